"""How much of a time services were up, from the periods of their health.

What counts is what is known and not excused: up is healthy or degraded. Of the current period
is known what the last look saw; after that nobody can say.

Periods follow each other, so those of a span are the one that it begins in and those that begin
within it: an index finds them, however long the history before is.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

LENGTHS = {
    name: timedelta(days=days) for name, days in (("24h", 1), ("7d", 7), ("30d", 30), ("90d", 90))
}
DAY = timedelta(days=1)
MEASURE = """
    WITH span AS (
        SELECT * FROM unnest(%(places)s::int[], %(services)s::uuid[],
            %(starts)s::timestamptz[], %(ends)s::timestamptz[])
            AS given (place, service_id, began_at, over_at)
    )
    SELECT span.place, measured.healthy, measured.degraded, measured.unhealthy
    FROM span
    JOIN services_state AS state ON state.service_id = span.service_id
    CROSS JOIN LATERAL (
        SELECT
            coalesce(sum(seconds) FILTER (WHERE health = 'healthy'), 0) AS healthy,
            coalesce(sum(seconds) FILTER (WHERE health = 'degraded'), 0) AS degraded,
            coalesce(sum(seconds) FILTER (WHERE health = 'unhealthy'), 0) AS unhealthy
        FROM (
            SELECT period.health, extract(epoch FROM
                least(coalesce(period.ended_at, state.probed_at, period.started_at), span.over_at)
                - greatest(period.started_at, span.began_at)) AS seconds
            FROM services_healthperiod AS period
            WHERE period.service_id = span.service_id
                AND period.started_at < span.over_at
                AND period.started_at >= coalesce((
                    SELECT max(former.started_at) FROM services_healthperiod AS former
                    WHERE former.service_id = span.service_id
                        AND former.started_at <= span.began_at
                ), '-infinity')
                AND period.health <> 'unknown' AND NOT period.excused
        ) AS piece
        WHERE seconds > 0
    ) AS measured
"""

# By the day that periods lie in: with a span for each day, every one of them would be compared
# with all periods before it.
BY_DAY = """
    SELECT period.service_id, day,
        coalesce(sum(seconds) FILTER (WHERE period.health = 'healthy'), 0),
        coalesce(sum(seconds) FILTER (WHERE period.health = 'degraded'), 0),
        coalesce(sum(seconds) FILTER (WHERE period.health = 'unhealthy'), 0)
    FROM services_healthperiod AS period
    JOIN services_state AS state ON state.service_id = period.service_id
    CROSS JOIN LATERAL (SELECT
        greatest(period.started_at, %(start)s) AS began_at,
        least(coalesce(period.ended_at, state.probed_at, period.started_at), %(end)s) AS over_at
    ) AS part
    CROSS JOIN LATERAL generate_series(
        date_trunc('day', began_at, 'UTC'), over_at, interval '24 hours'
    ) AS day
    CROSS JOIN LATERAL (SELECT extract(epoch FROM
        least(over_at, day + interval '24 hours') - greatest(began_at, day)) AS seconds
    ) AS piece
    WHERE period.service_id = ANY(%(services)s) AND period.started_at < %(end)s
        AND (period.ended_at IS NULL OR period.ended_at > %(start)s)
        AND period.health <> 'unknown' AND NOT period.excused AND seconds > 0
    GROUP BY period.service_id, day
"""


@dataclass(frozen=True, slots=True)
class Span:
    """A time of one service."""

    service_id: UUID
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Uptime:
    """The seconds of a span that count, by the health that the service had."""

    healthy: float = 0.0
    degraded: float = 0.0
    unhealthy: float = 0.0

    @property
    def known(self) -> float:
        return self.healthy + self.degraded + self.unhealthy

    @property
    def percent(self) -> float | None:
        """Of the time that counts, that it was up; None when there is none."""
        if not self.known:
            return None
        return 100.0 * ((self.healthy + self.degraded) / self.known)  # never more than 100

    @property
    def worst(self) -> str:
        for health in ("unhealthy", "degraded", "healthy"):
            if getattr(self, health):
                return health
        return "unknown"


def measure(spans: Sequence[Span]) -> list[Uptime]:
    """What counts of each of the spans. One query for any number of services."""
    given = {
        "places": [*range(len(spans))],
        "services": [span.service_id for span in spans],
        "starts": [span.start for span in spans],
        "ends": [span.end for span in spans],
    }
    found = [Uptime()] * len(spans)
    with connection.cursor() as cursor:
        cursor.execute(MEASURE, given)
        for place, *seconds in cursor.fetchall():
            found[place] = Uptime(*map(float, seconds))
    return found


def uptime(service_ids: Collection[UUID], *, now: datetime) -> dict[UUID, dict[str, float | None]]:
    """Of each service the percentage by the length of the time up to now: 24h, 7d, 30d, 90d;
    None where nothing is known. One query."""
    keys = [(service_id, length) for service_id in service_ids for length in LENGTHS]
    measured = measure([Span(each, now - LENGTHS[length], now) for each, length in keys])
    found: dict[UUID, dict[str, float | None]] = {service_id: {} for service_id in service_ids}
    for (service_id, length), each in zip(keys, measured, strict=True):
        found[service_id][length] = each.percent
    return found


def daily(
    service_ids: Collection[UUID], *, now: datetime, days: int = 90
) -> dict[UUID, list[dict[str, Any]]]:
    """Of each service the last days in UTC, the oldest first and today as far as it has come,
    each with its percentage (None: nothing is known), the worst health and the seconds that it
    was down. One query."""
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    starts = [today - DAY * back for back in range(days - 1, -1, -1)]
    given: dict[str, Any] = {"services": [*service_ids], "start": starts[0], "end": now}
    with connection.cursor() as cursor:
        cursor.execute(BY_DAY, given)
        measured = {
            (service_id, day): Uptime(*map(float, seconds))
            for service_id, day, *seconds in cursor.fetchall()
        }
    return {
        service_id: [_day(start, measured.get((service_id, start), Uptime())) for start in starts]
        for service_id in service_ids
    }


def _day(start: datetime, measured: Uptime) -> dict[str, Any]:
    return {
        "date": start.date(),
        "percent": measured.percent,
        "worst": measured.worst,
        "down_seconds": measured.unhealthy,
    }
