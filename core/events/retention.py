"""How long events are kept."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import QuerySet

from core import retention
from core.events.models import Event

KEEP = timedelta(days=30)


@retention.register("events.processed")
def expired() -> QuerySet[Event]:
    """Those in the queue stay, however old; the count of processed events is not touched."""
    processed = Event.objects.filter(processed_at__isnull=False)
    return retention.older_than(processed, "created_at", KEEP)
