"""Changes of a component's status: one event per change of the instance, not per process.

Every web process sees a change. It is queued here and written by a loop, because the change
may be that the database is down; then it is written, with the time it happened, when the
database is back. The row is only moved forward in time, so the process that comes second
finds nothing left to say.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import transaction

from core.alerts import operations as alerts
from core.events import operations as events
from core.health import checks, excuses
from core.health.board import Board, Health, Standing, board
from core.health.models import ComponentStatus

MAX_PENDING = 1000


@dataclass(frozen=True, slots=True)
class Transition:
    component: str
    status: str
    reason: str
    at: datetime
    critical: bool  # the component is, and the instance with it


_lock = threading.Lock()
_last: dict[str, Health] = {}
_pending: deque[Transition] = deque(maxlen=MAX_PENDING)


def observe(standings: list[Standing]) -> bool:
    """Queue what changed since this process looked last; returns whether anything waits."""
    now = datetime.now(UTC)
    with _lock:
        for standing in standings:
            name = standing.component.name
            if _last.get(name) != standing.health:
                _last[name] = standing.health
                critical = standing.component.critical
                _pending.append(
                    Transition(name, standing.health, standing.reason or "", now, critical)
                )
        return bool(_pending)


def forget() -> None:
    """Begin as a process that has seen nothing yet."""
    with _lock:
        _last.clear()
        _pending.clear()


def drop(component: str) -> None:
    """In this process: nothing checks the component any more, so how it was is forgotten."""
    with _lock:
        _last.pop(component, None)
        waiting = [each for each in _pending if each.component != component]
        _pending.clear()
        _pending.extend(waiting)


@transaction.atomic
def withdraw(component: str) -> None:
    """In the instance: nothing checks the component any more, so its alert is resolved."""
    ComponentStatus.objects.filter(component=component).delete()
    alerts.resolve_alert(fingerprint=f"health.{component}", reason="It is no longer checked.")


def write(*, to: Board = board) -> int:
    """Write what is queued, oldest first, and learn the instance's times; returns the events.

    Raises a database error, with the rest still queued, when the database can't take them.
    """
    published = 0
    while _pending:
        transition = _pending[0]
        published += _write(transition)
        with _lock:
            if _pending and _pending[0] is transition:
                _pending.popleft()
    _tell_of_unexcused()
    for row in ComponentStatus.objects.values("component", "status", "since"):
        to.adopt_since(row["component"], row["status"], row["since"])
    return published


@transaction.atomic
def _write(transition: Transition) -> bool:
    row, first = ComponentStatus.objects.get_or_create(
        component=transition.component,
        defaults={
            "status": transition.status,
            "reason": transition.reason,
            "since": transition.at,
        },
    )
    before = None if first else row.status
    if not first:
        moved = (
            ComponentStatus.objects.filter(component=transition.component, since__lt=transition.at)
            .exclude(status=transition.status)
            .filter(status=row.status)
            .update(status=transition.status, reason=transition.reason, since=transition.at)
        )
        if not moved:
            return False
    elif transition.status == Health.HEALTHY:
        return False
    facts = {
        "component": transition.component,
        "status": transition.status,
        "previous": before,
        "reason": transition.reason or None,
        "at": transition.at.isoformat().replace("+00:00", "Z"),
    }
    events.publish("component.status_changed", subject=transition.component, payload=facts)
    is_well = transition.status == Health.HEALTHY
    untold = not is_well and excuses.is_excused(transition.component)
    ComponentStatus.objects.filter(component=transition.component).update(untold=untold)
    if is_well:
        alerts.resolve_alert(
            fingerprint=f"health.{transition.component}", reason="The component is healthy again."
        )
    elif not untold:
        _alert(transition.component, facts, is_critical=transition.critical)
    return True


@transaction.atomic
def _tell_of_unexcused() -> None:
    """Alert to what is not well still, now that the excuse for it is over."""
    for row in ComponentStatus.objects.select_for_update(skip_locked=True).filter(untold=True):
        if excuses.is_excused(row.component):
            continue
        facts = {
            "component": row.component,
            "status": row.status,
            "reason": row.reason or None,
            "at": row.since.isoformat().replace("+00:00", "Z"),
        }
        critical = {each.name for each in checks.known_components() if each.critical}
        _alert(row.component, facts, is_critical=row.component in critical)
        row.untold = False
        row.save(update_fields=["untold"])


def _alert(component: str, facts: dict[str, Any], *, is_critical: bool) -> None:
    name = component.replace("_", " ").capitalize()
    is_worst = is_critical and facts["status"] == Health.UNHEALTHY
    alerts.raise_alert(
        fingerprint=f"health.{component}",
        source="health",
        severity="critical" if is_worst else "warning",
        title=f"{name}: {facts['status']}",
        message=facts["reason"] or "",
        details=facts,
    )
