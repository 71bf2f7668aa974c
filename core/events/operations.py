"""Publishing events, and giving failed deliveries another chance."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection, transaction
from django.db.models.functions import Now

from core import ids
from core.api import request_id
from core.events import queries, subscribers, tally
from core.events.models import Delivery, Event, Status

CHANNEL = "events.dispatch"
DELIVERIES = """
    WITH written AS (
        INSERT INTO events_delivery (id, event_id, subscriber, status, attempts, last_error)
        SELECT id, event_id, subscriber, 'pending', 0, ''
        FROM unnest(%s::uuid[], %s::uuid[], %s::text[]) AS wanted(id, event_id, subscriber)
    )
    SELECT pg_notify(%s, '')
"""
Happening = tuple[str, Mapping[str, Any]]  # a subject, and the payload
_NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")


def publish(name: str, *, subject: str, payload: Mapping[str, Any], actor: str = "") -> Event:
    """Record that something has happened, as part of the current transaction.

    `name` is a noun and a verb in the past tense: `task.completed`. `subject` is what it
    happened to. The subscribers hear of it when the transaction has been committed.
    Raises ValueError when the name isn't one.
    """
    [event] = publish_all(name, [(subject, payload)], actor=actor)
    return event


def publish_all(name: str, happened: Sequence[Happening], *, actor: str = "") -> list[Event]:
    """The same as `publish` for several subjects at the cost of one."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not the name of an event, such as task.completed")
    interested = subscribers.matching(name)
    events = [
        Event(
            id=ids.new(),
            name=name,
            subject=subject,
            payload=payload,
            actor=actor,
            request_id=request_id.current(),
            remaining=len(interested),
        )
        for subject, payload in happened
    ]
    with transaction.atomic(savepoint=False):
        Event.objects.bulk_create(events)
        if events and interested:
            _address(events, [subscriber.name for subscriber in interested])
    return events


def _address(events: list[Event], names: list[str]) -> None:
    """Write the deliveries and wake the dispatchers at the commit, in one round trip: every
    writer pays for it, and the ORM's two statements cost twice as much."""
    keys = [(ids.new(), event.pk, name) for event in events for name in names]
    with connection.cursor() as cursor:
        cursor.execute(DELIVERIES, [*map(list, zip(*keys, strict=True)), CHANNEL])


@transaction.atomic
def retry(*, name: str | None = None, subscriber: str | None = None) -> int:
    """Put failed deliveries back into the queue, perhaps only those of one event name (or
    `task.*`) or subscriber; returns how many."""
    failed = Delivery.objects.select_for_update().filter(status=Status.FAILED)
    if name:
        failed = failed.filter(event__in=queries.list_events(name=name).values("pk"))
    if subscriber:
        failed = failed.filter(subscriber=subscriber)
    rows = dict(failed.values_list("pk", "event_id"))
    Delivery.objects.filter(pk__in=rows).update(
        status=Status.PENDING, attempts=0, next_attempt_at=Now()
    )
    tally.reopen(rows.values())
    _wake_dispatchers()
    return len(rows)


@transaction.atomic
def hurry() -> int:
    """Offer the deliveries that wait for another attempt right now; returns how many."""
    waiting = (
        Delivery.objects.select_for_update(skip_locked=True)  # not those under way
        .filter(status=Status.PENDING, next_attempt_at__gt=Now())
        .values_list("pk", flat=True)
    )
    hurried = Delivery.objects.filter(pk__in=list(waiting)).update(next_attempt_at=Now())
    _wake_dispatchers()
    return hurried


def _wake_dispatchers() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, '')", [CHANNEL])
