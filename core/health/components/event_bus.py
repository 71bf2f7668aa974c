"""The event bus: what was published gets delivered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.events import queries as events
from core.health import checks
from core.health.checks import Figures, Unhealthy, Warn

LONG_QUEUE = 10_000
WAITING_SECONDS = 30.0
STUCK_SECONDS = 300.0


@checks.component("event_bus")
def summary(figures: Mapping[str, Figures]) -> dict[str, Any]:
    backlog = figures["backlog"]
    return {key: backlog[key] for key in ("queue_size", "processed_events")}


@checks.register(
    component="event_bus",
    name="backlog",
    cadence=2.0,
    deadline=2.0,
    critical=False,
    unmeasured={"queue_size": 0, "processed_events": 0},
)
def keeps_up() -> Figures:
    """Events not yet delivered to everyone, and those that have been, ever."""
    found = events.statistics()
    figures = {key: found[key] for key in ("queue_size", "processed_events")}
    if found["queue_size"] > LONG_QUEUE:
        raise Warn(f"{found['queue_size']} events wait to be delivered", **figures)
    return figures


@checks.register(
    component="event_bus",
    name="oldest_undelivered",
    cadence=2.0,
    deadline=2.0,
    unmeasured={"oldest_seconds": 0.0},
)
def delivers() -> Figures:
    """How long the oldest undelivered event has been waiting; 0 when none is."""
    oldest = round(events.statistics()["oldest_pending_seconds"] or 0.0, 3)
    if oldest > STUCK_SECONDS:
        raise Unhealthy(f"an event waits for {oldest:.0f} s", oldest_seconds=oldest)
    if oldest > WAITING_SECONDS:
        raise Warn(f"an event waits for {oldest:.0f} s", oldest_seconds=oldest)
    return {"oldest_seconds": oldest}
