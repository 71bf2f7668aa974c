"""How long events are kept."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from django.db.models import QuerySet
from pydantic import Field

from core import options, retention
from core.events.models import Event

options.section("events", title="Events", help="What happened, and how subscribers hear of it.")
KEEP_DAYS = options.declare(
    "events.keep_days", Annotated[int, Field(ge=1, le=3650)], default=30, unit="days",
    help="How long an event is kept once every subscriber has had it. The daily cleanup deletes"
    " older ones for good.",
)  # fmt: skip


@retention.register("events.processed")
def expired() -> QuerySet[Event]:
    """Those in the queue stay, however old; the count of processed events is not touched."""
    processed = Event.objects.filter(processed_at__isnull=False)
    return retention.older_than(processed, "created_at", timedelta(days=KEEP_DAYS.value))
