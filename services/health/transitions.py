"""Looks that change a service's health or status, each in a transaction of its own.

The look is judged again under the lock of the service's State row: of several processes that
see the same, one makes the change and the others find nothing left to say.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.db import transaction

from core.events import operations as events
from core.events.models import Event
from services.health import alerts, noting, periods, standing
from services.health.judging import STOPPED, Verdict, is_news, judge
from services.health.looks import Look
from services.health.maintenance.queries import is_under_maintenance
from services.health.noting import Judged
from services.health.standing import Standing
from services.registry.models import Health

STOPPED_EVENT = "service.stopped"


@transaction.atomic
def take(look: Look) -> Judged | None:
    """Write what a look changes, whatever it is by now; None when the service is gone or has
    been looked at since."""
    before = standing.locked(look.service_id)
    if before is None or not is_news(look, before):
        return None
    verdict = judge(look, before)
    if verdict.is_stopped:
        verdict = _with_reason(verdict, before)
    judged = Judged(look, before, verdict)
    in_maintenance = bool(is_under_maintenance([before.service_id], judged.at))
    if verdict.changes(before):
        periods.turn(judged, excused=verdict.is_stopped or in_maintenance)
        _publish(judged)
    noting.note_change(judged)
    _tell(judged, in_maintenance=in_maintenance)
    return judged


def _tell(judged: Judged, *, in_maintenance: bool) -> None:
    """While it is worked on nobody is told, but that it is over is told always."""
    if judged.verdict.health in (Health.HEALTHY, Health.UNKNOWN):
        if judged.turned:
            alerts.take_back(judged)
        return
    is_due = alerts.is_due(judged) and not in_maintenance
    if is_due and (judged.turned or alerts.untold([judged])):
        alerts.tell(judged)


def _publish(judged: Judged) -> None:
    before, verdict = judged.before, judged.verdict
    facts: dict[str, Any] = {
        "service": before.name,
        "health": str(verdict.health),
        "status": str(verdict.status),
        "reason": verdict.reason or None,
        "at": judged.at,
    }
    if judged.turned:
        payload = {**facts, "previous": before.health}
        events.publish("service.health_changed", subject=before.name, payload=payload)
    if verdict.status != before.status:
        payload = {**facts, "previous": before.status}
        events.publish("service.status_changed", subject=before.name, payload=payload)


def _with_reason(verdict: Verdict, before: Standing) -> Verdict:
    """Who wanted it so: the task that stops it knows, afterwards what was told of that."""
    if before.is_acting:
        by = before.acting_by
    elif before.reason.startswith(STOPPED):
        return verdict
    else:
        said = Event.objects.filter(name=STOPPED_EVENT, subject=before.name)
        event = said.order_by("created_at", "id").last()
        by = event.actor if event else ""
    reason = f"{STOPPED}by {by}." if by else f"{STOPPED}on purpose."
    return replace(verdict, reason=reason)
