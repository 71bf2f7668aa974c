"""The event bus: what was published gets delivered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from core import options
from core.events import queries as events
from core.health import checks
from core.health.checks import Figures, Unhealthy, Warn

LONG_QUEUE = options.declare(
    "health.event_queue_size", Annotated[int, Field(ge=1, le=10_000_000)],
    default=10_000, unit="events",
    help="The event bus is degraded when more events than this wait to be delivered.",
)  # fmt: skip
WAITING = options.declare(
    "health.event_waiting_seconds", Annotated[float, Field(ge=1, le=300)], default=30.0, unit="s",
    help="The event bus is degraded when an event has waited this long for its delivery.",
)  # fmt: skip
STUCK = options.declare(
    "health.event_stuck_seconds", Annotated[float, Field(ge=300, le=86_400)],
    default=300.0, unit="s",
    help="The event bus is unhealthy when an event has waited this long for its delivery.",
)  # fmt: skip


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
    if found["queue_size"] > LONG_QUEUE.value:
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
    if oldest > STUCK.value:
        raise Unhealthy(f"an event waits for {oldest:.0f} s", oldest_seconds=oldest)
    if oldest > WAITING.value:
        raise Warn(f"an event waits for {oldest:.0f} s", oldest_seconds=oldest)
    return {"oldest_seconds": oldest}
