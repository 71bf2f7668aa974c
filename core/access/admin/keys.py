"""API keys: made, rotated and revoked here; a secret is seen once and never again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.safestring import SafeString

from core.access import lives, operations
from core.access.acting import acting
from core.access.admin.key_form import KeyForm
from core.access.models import ApiKey
from core.access.scopes import ADMIN_SECURITY
from core.errors import NexusError
from core.ui.figures import ago, code
from core.ui.records import Facts, RecordAdmin, sentence
from core.ui.status import badge

SOON = timedelta(days=7)
OVERLAPS = {0: "at once", 1: "in 1 hour", 24: "in 24 hours", 168: "in 7 days"}


def state_of(key: ApiKey) -> str:
    """active, expiring (within a week), rotating, expired or revoked."""
    now = timezone.now()
    if key.revoked_at:
        return "revoked"
    if key.expires_at and key.expires_at <= now:
        return "expired"
    if key.previous_until and key.previous_until > now:
        return "rotating"
    return "expiring" if key.expires_at and key.expires_at <= now + SOON else "active"


def overlaps() -> dict[str, str]:
    """Some to choose from by their hours, the one that the configuration says among them."""
    hours = sorted({*OVERLAPS, lives.OVERLAP.value})
    return {str(each): OVERLAPS.get(each, f"in {each} hours") for each in hours}


class StateFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("usable", "Usable"), ("expired", "Expired"), ("revoked", "Revoked")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> QuerySet[ApiKey]:
        if self.value() == "usable":
            return queryset.filter(Q(expires_at=None) | Q(expires_at__gt=Now()), revoked_at=None)
        if self.value() == "expired":
            return queryset.filter(revoked_at=None, expires_at__lte=Now())
        return queryset.exclude(revoked_at=None) if self.value() == "revoked" else queryset


@admin.register(ApiKey)
class ApiKeyAdmin(RecordAdmin):
    """Newest first, those that still work before those that don't."""

    id_prefix = "key"
    list_display = ("name", "state", "scopes_shown", "used", "expires", "created_by")
    list_filter = (StateFilter,)
    ordering = (F("revoked_at").desc(nulls_first=True), "-created_at", "-id")
    search_fields = ("name", "=key_id")
    search_help_text = "Name, or key id"
    detail_template = "access/key.html"
    record_actions = ("rotate", "revoke")
    empty_text = "No keys yet. A key lets a script or another system use the API."

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return acting(request).has(ADMIN_SECURITY)

    def facts(self, record: ApiKey) -> Facts:
        return (
            ("State", self.state(record)),
            ("Begins with", code(f"nxs_{record.key_id}_")),
            ("Scopes", self.scopes_shown(record)),
            ("Networks", ", ".join(record.networks) or "any"),
            ("Expires", self.expires(record)),
            ("Last used", self.used(record)),
            ("From", record.last_used_address),
            ("Created", ago(record.created_at)),
            ("Created by", record.created_by),
            ("Rotated", ago(record.rotated_at, missing="never")),
            ("Old secret works until", ago(record.previous_until)),
            ("Revoked", ago(record.revoked_at)),
            ("Revoked by", record.revoked_by or None),
            ("Id", self.external_id(record)),
        )

    def detail_context(self, request: HttpRequest, record: ApiKey) -> dict[str, Any]:
        usable = state_of(record) not in ("revoked", "expired")
        return {
            "title": record.name,
            "key": record,
            "may_change": acting(request).has(ADMIN_SECURITY) and usable,
            "overlaps": overlaps().items(),
            "default_overlap": str(lives.OVERLAP.value),
        }

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = KeyForm(request.POST or None, actor=acting(request))
        if request.method == "POST" and form.is_valid():
            try:
                key, secret = operations.create_key(actor=acting(request), **form.arguments())
            except NexusError as error:
                form.add_error(None, sentence(error))
            else:
                return self._show_secret(request, key, secret, "Key created")
        context = {**self.admin_site.each_context(request), "opts": self.opts, "form": form}
        return TemplateResponse(request, "access/key_add.html", {**context, "title": "New API key"})

    def rotate(self, request: HttpRequest, record: ApiKey) -> HttpResponse:
        actor = acting(request)
        actor.require(ADMIN_SECURITY)
        hours = request.POST.get("overlap", "")
        overlap = timedelta(hours=int(hours)) if hours in overlaps() else None
        key, secret = operations.rotate_key(key_id=record.pk, actor=actor, overlap=overlap)
        return self._show_secret(request, key, secret, "Key rotated")

    def revoke(self, request: HttpRequest, record: ApiKey) -> None:
        actor = acting(request)
        actor.require(ADMIN_SECURITY)
        operations.revoke_key(key_id=record.pk, actor=actor)
        messages.success(request, f"{record.name} is revoked; it stops working within a second.")

    def _show_secret(
        self, request: HttpRequest, key: ApiKey, secret: str, title: str
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": key,
            "title": title,
            "key": key,
            "secret": secret,
            "address": self.address(key),
        }
        return TemplateResponse(request, "access/key_secret.html", context)

    @admin.display(description="State")
    def state(self, key: ApiKey) -> SafeString:
        return badge(state_of(key))

    @admin.display(description="Scopes")
    def scopes_shown(self, key: ApiKey) -> str:
        return ", ".join(key.scopes)

    @admin.display(description="Last used", ordering="last_used_at")
    def used(self, key: ApiKey) -> SafeString:
        return ago(key.last_used_at, missing="never")

    @admin.display(description="Expires", ordering="expires_at")
    def expires(self, key: ApiKey) -> SafeString:
        return ago(key.expires_at, missing="never")
