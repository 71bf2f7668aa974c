"""People and their groups, with Django's own forms in the operator's clothes."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from core.access.acting import acting
from core.access.admin.audited import AuditedAdmin
from core.access.roles import ROLES
from core.access.scopes import ADMIN_SECURITY
from core.ui.admin import ModelAdmin
from core.ui.figures import ago
from core.ui.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from core.ui.status import badge

admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class UserAdmin(AuditedAdmin, DjangoUserAdmin, ModelAdmin):  # type: ignore[misc]
    """Who may log in. Scopes come from the groups; a superuser has all of them."""

    form, add_form, change_password_form = UserChangeForm, UserCreationForm, AdminPasswordChangeForm
    list_display = ("username", "role", "state", "seen")
    list_filter = ("is_active", "is_superuser", "groups")
    search_help_text = "Name or email"
    filter_horizontal = ()
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        ("Access", {"fields": ("is_active", "is_staff", "is_superuser", "groups")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).prefetch_related("groups")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return manages_people(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return manages_people(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return manages_people(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return manages_people(request) and may_touch(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return manages_people(request) and may_touch(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if request.user.is_superuser else ("is_superuser",)

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "groups":
            kwargs["queryset"] = Group.objects.filter(name__in=grantable(request))
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    @admin.display(description="Role")
    def role(self, user: User) -> str:
        if user.is_superuser:
            return "superuser"
        return ", ".join(group.name for group in user.groups.all()) or "none"

    @admin.display(description="State")
    def state(self, user: User) -> SafeString:
        if not user.is_active:
            return badge("inactive")
        return badge("active") if user.is_staff else badge("no_login", text="No admin login")

    @admin.display(description="Last login", ordering="last_login")
    def seen(self, user: User) -> SafeString:
        return ago(user.last_login, missing="never")


def manages_people(request: HttpRequest) -> bool:
    return request.user.is_staff and acting(request).has(ADMIN_SECURITY)


def may_touch(request: HttpRequest, user: User | None) -> bool:
    """Only a superuser may edit a superuser: else a password change would be a promotion."""
    return user is None or not user.is_superuser or request.user.is_superuser


def grantable(request: HttpRequest) -> list[str]:
    """Names of the groups that give nothing which the person asking lacks."""
    if request.user.is_superuser:
        return list(Group.objects.values_list("name", flat=True))
    own = acting(request).scopes
    return [name for name, scopes in ROLES.items() if scopes <= own]


@admin.register(Group)
class GroupAdmin(AuditedAdmin, DjangoGroupAdmin, ModelAdmin):  # type: ignore[misc]
    """What the members of a group may see. What they may do follows from its name."""

    list_display = ("name", "scopes")

    @admin.display(description="Scopes")
    def scopes(self, group: Group) -> str:
        return ", ".join(sorted(ROLES.get(group.name, ()))) or "none: not one of the known roles"
