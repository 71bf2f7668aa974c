"""Looks that change the health or status of services, some at a time in one transaction.

They are judged again under the locks of the State rows: of several processes that see the same,
one makes the change and the others find nothing left to say.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.db import transaction

from core.events import operations as events
from core.events.models import Event
from services.health import alerts, noting, periods, standing
from services.health.judging import STOPPED, Verdict, is_news, judge
from services.health.looks import Look
from services.health.maintenance.borders import covers
from services.health.models import MaintenanceWindow
from services.health.noting import Judged
from services.health.standing import Standing
from services.registry.models import Health

STOPPED_EVENT = "service.stopped"


@transaction.atomic
def take(looks: Sequence[Look]) -> list[Judged]:
    """Write what looks change, one of each service at most, whatever it is by now. Left out are
    those of which the service is gone or has been looked at since."""
    standings = standing.locked([look.service_id for look in looks])
    judged = [
        _judged(look, before)
        for look in looks
        if (before := standings.get(look.service_id)) is not None and is_news(look, before)
    ]
    if not judged:
        return []
    worked_on = _worked_on(judged)
    changed = [each for each in judged if each.verdict.changes(each.before)]
    if changed:
        stopped = {each.before.service_id for each in changed if each.verdict.is_stopped}
        periods.turn(changed, excused=worked_on | stopped)
        _publish(changed)
    noting.note_changes(judged)
    _tell(judged, worked_on)
    return judged


def _judged(look: Look, before: Standing) -> Judged:
    verdict = judge(look, before)
    return Judged(look, before, _with_reason(verdict, before) if verdict.is_stopped else verdict)


def _worked_on(judged: Sequence[Judged]) -> set[UUID]:
    """The services that were under maintenance at the moment of the look. One query, or two."""
    ids = {each.before.service_id: each.at for each in judged}
    found = MaintenanceWindow.objects.filter(
        service__in=ids, starts_at__lte=max(ids.values()), ends_at__gt=min(ids.values())
    ).values_list("service_id", "starts_at", "ends_at")
    return {key for key, start, end in found if covers([(start, end)], ids[key])}


def _tell(judged: Sequence[Judged], worked_on: Collection[UUID]) -> None:
    """While a service is worked on nobody is told, but that it is over is told always.

    That comes first: it takes a turn, which must not be waited for with another alert in hand.
    """
    well = (Health.HEALTHY, Health.UNKNOWN)
    alerts.take_back([each for each in judged if each.turned and each.verdict.health in well])
    due = [
        each for each in judged if alerts.is_due(each) and each.before.service_id not in worked_on
    ]
    untold = alerts.untold([each for each in due if not each.turned])
    for each in due:
        if each.turned or each.before.service_id in untold:
            alerts.tell(each)


def _publish(judged: Sequence[Judged]) -> None:
    for name, field in (("health_changed", "health"), ("status_changed", "status")):
        happened = [
            (each.before.name, {**_facts(each), "previous": getattr(each.before, field)})
            for each in judged
            if getattr(each.before, field) != getattr(each.verdict, field)
        ]
        if happened:
            events.publish_all(f"service.{name}", happened)


def _facts(judged: Judged) -> dict[str, Any]:
    return {
        "service": judged.before.name,
        "health": str(judged.verdict.health),
        "status": str(judged.verdict.status),
        "reason": judged.verdict.reason or None,
        "at": judged.at,
    }


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
