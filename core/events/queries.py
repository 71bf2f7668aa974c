"""Reading events and the state of their queue."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, DurationField, ExpressionWrapper, Min, QuerySet
from django.db.models.functions import Now

from core import ids
from core.events import tally
from core.events.models import Delivery, Event, Status

PREFIX = "event"
FIELDS = (
    "id", "name", "subject", "payload", "actor", "request_id", "created_at", "processed_at"
)  # fmt: skip


def list_events(
    *, name: str | None = None, subject: str | None = None
) -> QuerySet[Event, dict[str, Any]]:
    """The rows of the events, perhaps of one subject, and of one name or, where it ends with
    a star, of those that begin with it."""
    events = Event.objects.all()
    if name and name.endswith("*"):
        events = events.filter(name__startswith=name.removesuffix("*"))
    elif name:
        events = events.filter(name=name)
    if subject:
        events = events.filter(subject=subject)
    return events.values(*FIELDS)


def document(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "id": ids.external(PREFIX, row["id"])}


def statistics() -> dict[str, Any]:
    """The state of the queue.

    `queue_size` and `processed_events` (over all time) count events, `failed_deliveries`
    those given up and still kept. `oldest_pending_seconds` is the age of the oldest event in
    the queue, None when it is empty.
    """
    age = ExpressionWrapper(Now() - Min("created_at"), output_field=DurationField())
    queue = Event.objects.filter(processed_at__isnull=True).aggregate(size=Count("pk"), age=age)
    return {
        "queue_size": queue["size"],
        "processed_events": tally.processed(),
        "oldest_pending_seconds": None if queue["age"] is None else queue["age"].total_seconds(),
        "failed_deliveries": Delivery.objects.filter(status=Status.FAILED).count(),
    }
