"""The history of a service's health, as periods that follow each other without a gap.

Whoever changes the periods of a service holds the lock of its State row.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from django.db import connection
from django.db.models import Q

from services.health.maintenance import borders
from services.health.models import HealthPeriod, MaintenanceWindow
from services.health.noting import Judged
from services.registry.models import Health

NOBODY_LOOKED = "Nobody looked."
FIELDS = ("service_id", "health", "excused", "started_at")
# One that would have lasted no time is what follows it instead.
END = """
    UPDATE services_healthperiod AS period SET
        ended_at = CASE WHEN period.started_at < given.at THEN given.at END,
        health = CASE WHEN period.started_at < given.at THEN period.health ELSE given.health END,
        excused = CASE WHEN period.started_at < given.at THEN period.excused ELSE given.excused END,
        reason = CASE WHEN period.started_at < given.at THEN period.reason ELSE given.reason END
    FROM unnest(%s::uuid[], %s::timestamptz[], %s::text[], %s::boolean[], %s::text[])
        AS given (service_id, at, health, excused, reason)
    WHERE period.service_id = given.service_id AND period.ended_at IS NULL
    RETURNING period.service_id, period.ended_at
"""


def turn(judged: Sequence[Judged], *, excused: Collection[UUID]) -> None:
    """What looks tell is so from their moments on; what nobody saw before them is unknown.

    One of each service at most; the State rows are as they were before the looks. Takes as many
    statements for many as for a few, apart from those that nobody looked at for too long and
    those with maintenance windows.
    """
    _begin(judged)
    _part(judged)
    for each in judged:
        if each.verdict.unknown_since is not None:
            _forget(each.before.service_id, each.verdict.unknown_since)
    current = _current(judged)
    new = [
        HealthPeriod(
            service_id=key,
            health=str(each.verdict.health),
            excused=key in excused,
            reason=each.verdict.reason,
            started_at=each.at,
        )
        for each in judged
        if current[key := each.before.service_id][:2] != (each.verdict.health, key in excused)
    ]
    if new:
        ended = _end(new)
        HealthPeriod.objects.bulk_create(each for each in new if each.service_id in ended)


def _begin(judged: Sequence[Judged]) -> None:
    """The first period of a service begins when it was defined."""
    known = _current(judged)
    HealthPeriod.objects.bulk_create(
        HealthPeriod(
            service_id=each.before.service_id,
            health=each.before.health,
            started_at=min(each.before.since, each.at),
        )
        for each in judged
        if each.before.service_id not in known
    )


def _part(judged: Sequence[Judged]) -> None:
    ids = [each.before.service_id for each in judged]
    with_windows = set(
        MaintenanceWindow.objects.filter(service__in=ids).values_list("service_id", flat=True)
    )
    for each in judged:
        if each.before.service_id in with_windows:
            borders.settle(each.before.service_id, until=each.at)


def _current(judged: Sequence[Judged]) -> dict[UUID, tuple[str, bool, datetime]]:
    """By their services: health, whether it is excused, since when."""
    ids = [each.before.service_id for each in judged]
    rows = HealthPeriod.objects.filter(service__in=ids, ended_at=None).values_list(*FIELDS)
    return {key: (health, excused, since) for key, health, excused, since in rows}


def _end(new: Sequence[HealthPeriod]) -> set[UUID]:
    """The services whose current period has ended, where the new one begins."""
    names = ("service_id", "started_at", "health", "excused", "reason")
    columns = [[getattr(each, name) for each in new] for name in names]
    with connection.cursor() as cursor:
        cursor.execute(END, columns)
        return {key for key, ended_at in cursor.fetchall() if ended_at is not None}


def _forget(service_id: UUID, since: datetime) -> None:
    """From then on nobody looked, whatever windows have parted the time."""
    unknown = {"health": Health.UNKNOWN, "reason": NOBODY_LOOKED}
    periods = HealthPeriod.objects.filter(service_id=service_id).exclude(health=Health.UNKNOWN)
    periods.filter(started_at__gte=since).update(**unknown)
    last = periods.filter(Q(ended_at=None) | Q(ended_at__gt=since), started_at__lt=since).first()
    if last is not None:
        HealthPeriod.objects.filter(pk=last.pk).update(ended_at=since)
        HealthPeriod.objects.create(
            service_id=service_id,
            excused=last.excused,
            started_at=since,
            ended_at=last.ended_at,
            **unknown,
        )
