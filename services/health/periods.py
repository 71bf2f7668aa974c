"""The history of a service's health, as periods that follow each other without a gap.

Whoever changes the periods of a service holds the lock of its State row.
"""

from __future__ import annotations

from datetime import datetime

from services.health.judging import moment_of
from services.health.models import HealthPeriod
from services.health.noting import Judged
from services.registry.models import Health

NOBODY_LOOKED = "Nobody looked."


def turn(judged: Judged, *, excused: bool) -> None:
    """What a look tells is so from its moment on; what nobody saw before it is unknown."""
    before, verdict = judged.before, judged.verdict
    current = _current(judged)
    if verdict.unknown_since is not None and current.health != Health.UNKNOWN:
        current = follow(
            current, Health.UNKNOWN, at=verdict.unknown_since, excused=False, reason=NOBODY_LOOKED
        )
    moment = moment_of(judged.look, before)
    follow(current, verdict.health, at=moment, excused=excused, reason=verdict.reason)


def follow(
    current: HealthPeriod, health: str, *, at: datetime, excused: bool, reason: str
) -> HealthPeriod:
    """Let another period follow the current one at `at`, unless it would be the same. Returns
    the one that is current then."""
    if (current.health, current.excused) == (health, excused):
        return current
    if at <= current.started_at:  # it would have lasted no time
        current.health, current.excused, current.reason = health, excused, reason
        current.save(update_fields=("health", "excused", "reason"))
        return current
    HealthPeriod.objects.filter(pk=current.pk).update(ended_at=at)
    return HealthPeriod.objects.create(
        service_id=current.service_id, health=health, excused=excused, reason=reason, started_at=at
    )


def _current(judged: Judged) -> HealthPeriod:
    before = judged.before
    found = HealthPeriod.objects.filter(service_id=before.service_id, ended_at=None).first()
    if found is not None:
        return found
    since = min(before.since, moment_of(judged.look, before))
    return HealthPeriod.objects.create(
        service_id=before.service_id, health=before.health, started_at=since
    )
