"""Django's forms for people, dressed for whichever admin is installed."""

from __future__ import annotations

from django.conf import settings

if "unfold" in settings.INSTALLED_APPS:
    from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
else:
    from django.contrib.auth.forms import (
        AdminPasswordChangeForm,
        UserChangeForm,
    )
    from django.contrib.auth.forms import (
        AdminUserCreationForm as UserCreationForm,
    )

__all__ = ["AdminPasswordChangeForm", "UserChangeForm", "UserCreationForm"]
