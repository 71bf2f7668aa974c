"""Taking events out of the queue, and counting them as they leave."""

from __future__ import annotations

from collections import Counter as Multiset
from collections.abc import Iterable
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from core.events.models import Counter, Event

PROCESSED = "processed_events"
BATCH = 1000


def processed() -> int:
    """The events processed since the instance was first started."""
    return Counter.objects.filter(pk=PROCESSED).values_list("value", flat=True).first() or 0


def add(number: int) -> None:
    if number and not Counter.objects.filter(pk=PROCESSED).update(value=F("value") + number):
        Counter.objects.get_or_create(pk=PROCESSED)
        Counter.objects.filter(pk=PROCESSED).update(value=F("value") + number)


def settle(event_ids: Iterable[UUID]) -> None:
    """Note that one delivery of each of these events has ended; ids may repeat.

    Part of the transaction that ends the deliveries. The events are locked in one order, so
    dispatchers with deliveries of the same events don't lock each other out.
    """
    ended = Multiset(event_ids)
    events = Event.objects.select_for_update(no_key=True).filter(pk__in=ended).order_by("pk")
    done: list[UUID] = []
    open_by_number: dict[int, list[UUID]] = {}
    for key, remaining in events.values_list("pk", "remaining"):
        if remaining <= ended[key]:
            done.append(key)
        else:
            open_by_number.setdefault(ended[key], []).append(key)
    for number, keys in open_by_number.items():
        Event.objects.filter(pk__in=keys).update(remaining=F("remaining") - number)
    Event.objects.filter(pk__in=done).update(remaining=0, processed_at=Now())
    add(len(done))


@transaction.atomic
def settle_unheard() -> int:
    """Process the events that nobody subscribes to; returns how many, at most a batch."""
    unheard = (
        Event.objects.select_for_update(skip_locked=True, no_key=True)
        .filter(processed_at__isnull=True, remaining=0)
        .order_by("created_at")
        .values_list("pk", flat=True)[:BATCH]
    )
    number = Event.objects.filter(pk__in=list(unheard)).update(processed_at=Now())
    add(number)
    return number


def reopen(event_ids: Iterable[UUID]) -> None:
    """Note that a delivery of each of these events begins anew; the opposite of `settle`."""
    begun = Multiset(event_ids)
    events = Event.objects.select_for_update(no_key=True).filter(pk__in=begun).order_by("pk")
    rows = list(events)
    for event in rows:
        event.remaining += begun[event.pk]
    add(-sum(event.processed_at is not None for event in rows))
    for event in rows:
        event.processed_at = None
    Event.objects.bulk_update(rows, ["remaining", "processed_at"])
