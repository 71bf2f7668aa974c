"""The groups of the roles, and what their members see in the admin."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.contrib.auth.models import Group, Permission

from core.access.roles import ROLES

OUR_APPS = ("core.", "tasks", "services", "plugins", "backups", "security")


def make(app_config: AppConfig, using: str, **kwargs: Any) -> None:
    """After each migrate: every role may look at the models of our apps.

    What a role may change there is decided by its scopes, because the admin's actions call
    the same operations as the API.
    """
    if not app_config.name.startswith(OUR_APPS):
        return
    looking = Permission.objects.using(using).filter(
        content_type__app_label=app_config.label, codename__startswith="view_"
    )
    for name in ROLES:
        group, _ = Group.objects.using(using).get_or_create(name=name)
        group.permissions.add(*looking)
