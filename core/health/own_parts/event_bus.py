"""The event bus: what was published finds its way to its subscribers."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from core.events import dispatcher, subscribers
from core.events import operations as events
from core.health import parts
from core.health.own_parts import kinds
from core.health.own_parts.kinds import EverywherePart
from core.health.parts import Progress, Sight
from core.processes import loops, notifications
from core.processes import queries as processes

DISPATCHERS = "worker"  # the role of the processes that deliver


@parts.register(
    "event_bus",
    type="EventBus",
    description="Brings events to their subscribers, from every worker.",
    dependencies=("database_adapter",),
)
class EventBus(EverywherePart):
    """Its requests are the events processed; it is up since the oldest dispatcher is."""

    alert = "health.event_bus"
    component = "event_bus"

    def look(self) -> Sight:
        sight = kinds.seen(self.component)
        processed = sight.figures.get("processed_events")
        return replace(
            sight,
            started_at=processes.up_since(DISPATCHERS),
            requests_handled=processed,
            figures={**sight.figures, "events_processed": processed},
        )

    def configuration(self) -> dict[str, Any]:
        return {
            "batch_size": dispatcher.BATCH.value,
            "max_attempts": subscribers.MAX_ATTEMPTS.value,
            "longest_retry": dispatcher.LONGEST_PAUSE.value,
            "subscribers": len(subscribers.registry),
        }

    def restart(self, progress: Progress, *, since: datetime) -> None:
        super().restart(progress, since=since)
        hurried = events.hurry()
        progress.info(f"{hurried} deliveries that waited for another attempt are tried now.")

    def restart_here(self) -> bool:
        """A new thread for the dispatcher, and a new connection on which it is woken."""
        notifications.renew()
        return loops.restart(events.CHANNEL)
