"""Alerts: what a person should know, and who looks after it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.views.main import SEARCH_VAR
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString

from core.access.acting import acting
from core.access.actor import Actor
from core.access.scopes import ADMIN_SERVICES
from core.alerts import operations
from core.alerts.models import Alert
from core.alerts.queries import PREFIX, STATUSES, with_status
from core.errors import InvalidInput
from core.ui.figures import ago, code, link
from core.ui.records import Facts, RecordAdmin
from core.ui.status import badge

HOURS = (("1", "1 hour"), ("8", "8 hours"), ("24", "1 day"), ("168", "7 days"), ("720", "30 days"))
NEWEST = (F("resolved_at").desc(nulls_first=True), "-first_seen_at", "-id")
EFFECTS_SHOWN = 100


class StatusFilter(admin.SimpleListFilter):
    title = "status"
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [(each, each.capitalize()) for each in STATUSES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(status=self.value()) if self.value() else queryset


class CauseFilter(admin.SimpleListFilter):
    """Those that are there because of another are left out until they are asked or searched
    for: each of their causes says how many it has."""

    title = "cause"
    parameter_name = "grouped"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [("true", "Those with a cause"), ("any", "With and without one")]

    def choices(self, changelist: Any) -> Iterator[Any]:
        first, *others = super().choices(changelist)
        yield {**first, "display": "Causes alone"}
        yield from others

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "true":
            return queryset.filter(cause__isnull=False)
        if self.value() == "any" or request.GET.get(SEARCH_VAR):
            return queryset
        return queryset.filter(Q(cause=None) | Q(resolved_at__isnull=False))


@admin.register(Alert)
class AlertAdmin(RecordAdmin):
    """The unresolved ones first, the newest of each at the top."""

    id_prefix = PREFIX
    list_display = (
        "title_shown",
        "severity_shown",
        "state",
        "source",
        "count",
        "first_seen",
        "last_seen",
    )
    list_filter = (
        StatusFilter,
        CauseFilter,
        "severity",
        ("first_seen_at", admin.DateFieldListFilter),
    )
    ordering = NEWEST
    search_fields = ("title", "^fingerprint", "=source")
    search_help_text = "Title, fingerprint or source"
    detail_template = "alerts/alert.html"
    record_actions = ("acknowledge", "silence", "unsilence", "resolve")
    empty_text = "Nothing has come up yet. A component that is not healthy opens an alert."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Alert]:
        return with_status()

    def facts(self, record: Alert) -> Facts:
        return (
            ("Severity", self.severity_shown(record)),
            ("Status", self.state(record)),
            ("Source", record.source),
            *self._causes(record),
            ("Raised", f"{record.count} times" if record.count > 1 else "once"),
            ("First seen", ago(record.first_seen_at)),
            ("Last seen", ago(record.last_seen_at)),
            ("Got worse", ago(record.worsened_at)),
            ("Acknowledged", ago(record.acknowledged_at)),
            ("Acknowledged by", record.acknowledged_by or None),
            ("Note", record.note or None),
            ("Silenced until", ago(record.silenced_until)),
            ("Silenced by", record.silenced_by or None),
            ("Reason of the silence", record.silence_reason or None),
            ("Resolved", ago(record.resolved_at)),
            ("Resolved by", record.resolved_by or None),
            ("Resolution", record.resolution or None),
            ("Fingerprint", code(record.fingerprint)),
            ("Id", self.external_id(record)),
        )

    def _causes(self, record: Alert) -> Facts:
        if record.cause is not None:
            yield "Because of", link(self.address(record.cause), record.cause.title)
        if record.because:
            yield "Because", record.because

    def documents(self, record: Alert) -> Facts:
        return (("Details", record.details),)

    def detail_context(self, request: HttpRequest, record: Alert) -> dict[str, Any]:
        until = record.silenced_until
        return {
            "title": record.title,
            "alert": record,
            "may_change": acting(request).has(ADMIN_SERVICES),
            "is_resolved": record.resolved_at is not None,
            "is_silenced": until is not None and until > timezone.now(),
            "hours": HOURS,
            "effects": with_status().filter(cause=record).order_by(*NEWEST)[:EFFECTS_SHOWN],
        }

    def acknowledge(self, request: HttpRequest, record: Alert) -> None:
        note = request.POST.get("note", "")
        operations.acknowledge(alert_id=record.pk, actor=_allowed(request), note=note)
        messages.success(request, f"You are at “{record.title}” now.")

    def silence(self, request: HttpRequest, record: Alert) -> None:
        actor = _allowed(request)
        choices = dict(HOURS)
        hours = request.POST.get("hours", "")
        if hours not in choices:
            raise InvalidInput.field("hours", "unknown", "Choose one of the durations.")
        operations.silence(
            alert_id=record.pk,
            actor=actor,
            until=timezone.now() + timedelta(hours=int(hours)),
            reason=request.POST.get("reason", ""),
        )
        messages.success(request, f"“{record.title}” is silenced for {choices[hours]}.")

    def unsilence(self, request: HttpRequest, record: Alert) -> None:
        operations.unsilence(alert_id=record.pk, actor=_allowed(request))
        messages.success(request, f"“{record.title}” is no longer silenced.")

    def resolve(self, request: HttpRequest, record: Alert) -> None:
        reason = request.POST.get("reason", "")
        operations.resolve(alert_id=record.pk, actor=_allowed(request), reason=reason)
        messages.success(request, f"“{record.title}” is resolved.")

    @admin.display(description="Title", ordering="title")
    def title_shown(self, alert: Alert) -> str:
        """With the number of those that are there because of it."""
        effects = alert.effects  # type: ignore[attr-defined]
        return f"{alert.title} +{effects}" if effects else alert.title

    @admin.display(description="Severity", ordering="severity")
    def severity_shown(self, alert: Alert) -> SafeString:
        """In colour while it matters."""
        state = "resolved" if alert.resolved_at else alert.severity
        return badge(state, text=alert.severity.capitalize())

    @admin.display(description="Status")
    def state(self, alert: Alert) -> SafeString:
        return badge(alert.status)  # type: ignore[attr-defined]

    @admin.display(description="First seen", ordering="first_seen_at")
    def first_seen(self, alert: Alert) -> SafeString:
        return ago(alert.first_seen_at)

    @admin.display(description="Last seen", ordering="last_seen_at")
    def last_seen(self, alert: Alert) -> SafeString:
        return ago(alert.last_seen_at)


def _allowed(request: HttpRequest) -> Actor:
    actor = acting(request)
    actor.require(ADMIN_SERVICES)
    return actor
