"""The history of a service's health, as periods that follow each other without a gap.

Whoever changes the periods of a service holds the lock of its State row.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db.models import Q

from services.health.maintenance import borders
from services.health.models import HealthPeriod
from services.health.noting import Judged
from services.registry.models import Health

NOBODY_LOOKED = "Nobody looked."


def turn(judged: Judged, *, excused: bool) -> None:
    """What a look tells is so from its moment on; what nobody saw before it is unknown.

    The State row is as it was before the look.
    """
    service_id, verdict = judged.before.service_id, judged.verdict
    moment = judged.at
    _begin(judged, moment)
    borders.settle(service_id, until=moment)
    if verdict.unknown_since is not None:
        _forget(service_id, verdict.unknown_since)
    current = HealthPeriod.objects.get(service_id=service_id, ended_at=None)
    if (current.health, current.excused) == (verdict.health, excused):
        return
    if moment <= current.started_at:  # it would have lasted no time
        changes = {"health": verdict.health, "excused": excused, "reason": verdict.reason}
        HealthPeriod.objects.filter(pk=current.pk).update(**changes)
        return
    HealthPeriod.objects.filter(pk=current.pk).update(ended_at=moment)
    HealthPeriod.objects.create(
        service_id=service_id,
        health=verdict.health,
        excused=excused,
        reason=verdict.reason,
        started_at=moment,
    )


def _begin(judged: Judged, moment: datetime) -> None:
    """The first period of a service begins when it was defined."""
    before = judged.before
    if not HealthPeriod.objects.filter(service_id=before.service_id, ended_at=None).exists():
        HealthPeriod.objects.create(
            service_id=before.service_id, health=before.health, started_at=min(before.since, moment)
        )


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
