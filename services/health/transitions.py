"""Looks that change a service's health or status, each in a transaction of its own.

The look is judged again under the lock of the service's State row: of several processes that
see the same, one makes the change and the others find nothing left to say.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import transaction

from core.events import operations as events
from core.events.models import Event
from services.health import alerts, noting, periods, standing
from services.health.judging import Verdict, is_news, judge, moment_of
from services.health.looks import Look
from services.health.noting import Judged
from services.health.standing import Standing
from services.registry.models import Health

STOPPED = "service.stopped"  # the event that says who wanted it so
STOPPED_BY = "Stopped by "
STOPPED_ON_PURPOSE = "Stopped on purpose."


@dataclass(frozen=True, slots=True)
class Taken:
    """A look that was taken into account, at which time, and what it made of the service."""

    look: Look
    at: datetime
    before: Standing
    verdict: Verdict

    @property
    def turned(self) -> bool:
        """Whether the health is another than before."""
        return self.verdict.health != self.before.health


@transaction.atomic
def take(look: Look) -> Taken | None:
    """Write what a look changes, whatever it is by now; None when the service is gone or has
    been looked at since."""
    before = standing.locked(look.service_id)
    if before is None or not is_news(look, before):
        return None
    verdict = judge(look, before)
    judged = Judged(look, before, verdict)
    if verdict.is_stopped:
        judged = Judged(look, before, _with_reason(verdict, before))
    noting.note_change(judged)
    if verdict.changes(before):
        periods.turn(judged, excused=verdict.is_stopped)
        _publish(judged)
    _tell(judged)
    return Taken(look, moment_of(look, before), before, judged.verdict)


def _tell(judged: Judged) -> None:
    health, former = judged.verdict.health, judged.before.health
    is_over = health in (Health.HEALTHY, Health.UNKNOWN)
    if is_over and health != former:
        alerts.take_back(judged)
    elif not is_over and ((health != former and alerts.is_due(judged)) or alerts.untold([judged])):
        alerts.tell(judged)


def _publish(judged: Judged) -> None:
    before, verdict = judged.before, judged.verdict
    facts: dict[str, Any] = {
        "service": before.name,
        "health": str(verdict.health),
        "status": str(verdict.status),
        "reason": verdict.reason or None,
        "at": moment_of(judged.look, before),
    }
    if verdict.health != before.health:
        payload = {**facts, "previous": before.health}
        events.publish("service.health_changed", subject=before.name, payload=payload)
    if verdict.status != before.status:
        payload = {**facts, "previous": before.status}
        events.publish("service.status_changed", subject=before.name, payload=payload)


def _with_reason(verdict: Verdict, before: Standing) -> Verdict:
    if before.reason.startswith(STOPPED_BY):
        return verdict
    said = Event.objects.filter(name=STOPPED, subject=before.name).order_by("created_at", "id")
    event = said.last()
    reason = f"{STOPPED_BY}{event.actor}." if event and event.actor else STOPPED_ON_PURPOSE
    return replace(verdict, reason=reason)
