"""Reading alerts, with their status."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Case, Count, F, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce, Now

from core import ids
from core.alerts.models import Alert, Severity
from core.api import external_ids
from core.errors import NotFound

PREFIX = "alert"
STATUSES = ("open", "acknowledged", "silenced", "resolved")
FIELDS = (
    "id", "fingerprint", "source", "severity", "title", "message", "details", "count",
    "first_seen_at", "last_seen_at", "worsened_at", "acknowledged_at", "acknowledged_by", "note",
    "silenced_at", "silenced_until", "silenced_by", "silence_reason",
    "resolved_at", "resolved_by", "resolution", "cause_id", "because",
)  # fmt: skip

Rows = QuerySet[Alert, dict[str, Any]]


def with_status() -> QuerySet[Alert]:
    """All alerts; `status` is resolved, silenced (until a time that is yet to come),
    acknowledged (and not worse since), else open. `effects` counts the unresolved ones that
    are there because of it."""
    acknowledged = Q(worsened_at=None) | Q(worsened_at__lt=F("acknowledged_at"))
    grouped = Alert.objects.filter(cause=OuterRef("pk"), resolved_at=None).order_by()
    return Alert.objects.annotate(
        status=Case(
            When(resolved_at__isnull=False, then=Value("resolved")),
            When(silenced_until__gt=Now(), then=Value("silenced")),
            When(Q(acknowledged_at__isnull=False) & acknowledged, then=Value("acknowledged")),
            default=Value("open"),
        ),
        effects=Coalesce(
            Subquery(grouped.values("cause").annotate(number=Count("id")).values("number")), 0
        ),
    )


def list_alerts(
    *,
    status: str | None = None,
    severity: str | None = None,
    source: str | None = None,
    cause: UUID | None = None,
    grouped: bool | None = None,
    unresolved_only: bool = False,
) -> Rows:
    """Rows for `core.api.pagination.page`, and `document` for each of them. `grouped` are those
    that are there because of another, which may be `cause`."""
    given = {"status": status, "severity": severity, "source": source, "cause": cause}
    alerts = with_status().filter(**{name: value for name, value in given.items() if value})
    if unresolved_only or (status and status != "resolved"):
        alerts = alerts.filter(resolved_at=None)  # what the index knows, unlike the status
    if grouped is not None:
        alerts = alerts.filter(cause__isnull=not grouped)
    return alerts.values(*FIELDS, "status", "effects")


def open_by_severity() -> dict[str, int]:
    """How many alerts of each severity are open: unresolved, and nobody is at them.

    Those that are there because of another don't count: it is one thing to do.
    """
    open_alerts = list_alerts(status="open", grouped=False)
    counted = open_alerts.values_list("severity").annotate(Count("id")).order_by()
    return {**dict.fromkeys(Severity.values, 0), **dict(counted)}


def get_alert(*, alert_id: UUID) -> dict[str, Any]:
    """One alert as `document`; raises NotFound."""
    row = list_alerts().filter(pk=alert_id).first()
    if row is None:
        raise NotFound("There is no such alert.")
    return document(row)


def document(row: dict[str, Any]) -> dict[str, Any]:
    cause = row["cause_id"]
    return {
        **row,
        "id": ids.external(PREFIX, row["id"]),
        "cause_id": cause and ids.external(PREFIX, cause),
    }


def internal_id(text: str) -> UUID:
    """Raises NotFound for what isn't the id of an alert."""
    return external_ids.internal(PREFIX, text, unknown="There is no such alert.")
