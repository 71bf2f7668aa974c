"""Reading how services are, what they were, and what went wrong."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone

from core import ids
from core.metrics import reading
from core.metrics.figures import NOTHING, Figures
from core.metrics.models import LabelSet
from core.metrics.reading import Key, Wanted
from core.metrics.resolutions import DAY
from core.metrics.spans import cover, cut
from services.health.measuring import FAILURES, LATENCY, SERVICE
from services.health.models import ErrorGroup, HealthPeriod
from services.probes.base import Status
from services.registry.models import Health, State
from services.registry.rhythm import rhythm_of
from tasks.models import ACTIVE

PREFIX = "period"
LAST_DAY = timedelta(days=1)
RECENT_ERRORS = 20
PERIOD = ("id", "health", "excused", "reason", "started_at", "ended_at")
ERROR = ("id", "error", "count", "first_seen_at", "last_seen_at")
NOT_YET = "Nobody has looked at it yet."

Rows = QuerySet[Any, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Effective:
    """How a service is as far as anybody can say now."""

    health: str
    status: str
    reason: str


@dataclass(frozen=True, slots=True)
class Measured:
    """Of some looks in a time: how long the service took to answer on average, and the share
    that failed, from 0 to 1; both None when there were none."""

    mean_ms: float | None = None
    error_rate: float | None = None
    looks: int = 0


def effective(state: State, *, now: datetime | None = None) -> Effective:
    """The state, or unknown when nobody has looked for too long. Asks the database nothing
    when `service` and `acting` were selected with it."""
    service = state.service
    if state.probed_at is None:
        return Effective(state.health, state.status, state.reason or NOT_YET)
    seen_until = max(state.probed_at, service.changed_at)
    if (now or timezone.now()) - seen_until <= rhythm_of(service.probe).patience:
        return Effective(state.health, state.status, state.reason)
    is_acted_upon = state.acting is not None and state.acting.status in ACTIVE
    since = state.probed_at.isoformat(timespec="seconds").replace("+00:00", "Z")
    return Effective(
        health=Health.UNKNOWN,
        status=state.status if is_acted_upon else Status.UNKNOWN,
        reason=f"Not looked at since {since}.",
    )


def measured(names: Collection[str], *, now: datetime | None = None) -> dict[str, Measured]:
    """Of the last 24 hours, by the name of each service; three queries at most, however many
    there are."""
    found = {name: Measured() for name in names}
    wanted = label_sets(names)
    if not wanted:
        return found
    now = now or timezone.now()
    start, end = cut(now - LAST_DAY, now, now=now)
    spans = cover(start, end, largest=DAY, unmerged=reading.horizon(start, end).unmerged)
    whole = {
        key: figures
        for (key, _), buckets in reading.read(wanted, spans, resolution=None).items()
        for figures in buckets.values()
    }
    for name in names:
        seen = whole.get(Key(LATENCY.name, name), NOTHING)
        found[name] = summed(seen, whole.get(Key(FAILURES.name, name), NOTHING))
    return found


def periods(*, service_id: UUID, start: datetime, end: datetime) -> Rows:
    """The rows of the periods that lie in a range of time, for `core.api.pagination.page` by
    ("started_at", "id"); give each to `period`."""
    rows = HealthPeriod.objects.filter(
        Q(ended_at=None) | Q(ended_at__gt=start), service_id=service_id, started_at__lt=end
    )
    return rows.values(*PERIOD, "service__state__probed_at")


def period(row: Mapping[str, Any], *, start: datetime, end: datetime) -> dict[str, Any]:
    """One period, cut to the range. Of the current one is known what the last look saw."""
    began, over = max(row["started_at"], start), row["ended_at"]
    until = over or max(row["service__state__probed_at"] or began, began)
    return {
        "id": ids.external(PREFIX, row["id"]),
        "health": row["health"],
        "excused": row["excused"],
        "reason": row["reason"],
        "started_at": began,
        "ended_at": None if over is None else min(over, end),
        "seconds": max((min(until, end) - began).total_seconds(), 0.0),
    }


def history(*, service_id: UUID, start: datetime, end: datetime) -> list[dict[str, Any]]:
    """All periods of a range of time, cut to it, oldest first."""
    rows = periods(service_id=service_id, start=start, end=end).order_by("started_at", "id")
    return [period(row, start=start, end=end) for row in rows]


def errors(*, service_id: UUID) -> Rows:
    """The rows of all that went wrong, for `page` by ("last_seen_at", "id"); give each to
    `error`."""
    return ErrorGroup.objects.filter(service_id=service_id).values(*ERROR)


def error(row: Mapping[str, Any]) -> dict[str, Any]:
    """Errors that are alike; the newest of them stands for all."""
    return {
        "timestamp": row["last_seen_at"],
        "error": row["error"],
        "count": row["count"],
        "first_seen_at": row["first_seen_at"],
    }


def recent_errors(*, service_id: UUID, limit: int = RECENT_ERRORS) -> list[dict[str, Any]]:
    """What went wrong last, newest first."""
    rows = errors(service_id=service_id).order_by("-last_seen_at", "-id")[:limit]
    return [error(row) for row in rows]


def label_sets(names: Collection[str]) -> list[Wanted]:
    """What is measured of looks at these services, to be read by `core.metrics.reading`."""
    rows = LabelSet.objects.filter(
        instrument__in=(LATENCY.name, FAILURES.name), **{f"labels__{SERVICE}__in": list(names)}
    )
    return [
        Wanted(pk, kind, Key(instrument, labels[SERVICE]))
        for pk, kind, instrument, labels in rows.values_list("pk", "kind", "instrument", "labels")
    ]


def summed(seen: Figures, failed: Figures) -> Measured:
    """A look and its failure may lie on two sides of a minute's end: no more than all fail."""
    if not seen.count or seen.mean is None:
        return Measured()
    return Measured(seen.mean * 1000, min(failed.sum / seen.count, 1.0), seen.count)
