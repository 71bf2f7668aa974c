"""The event bus: is what is published delivered, how soon, and how much of it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Annotated, Any
from uuid import uuid4

from django.db import transaction
from django.db.models import DurationField, ExpressionWrapper, F, QuerySet
from pydantic import Field

from core import options
from core.events import subscribers
from core.events.models import Delivery, Event, Status
from core.events.operations import publish
from core.health import diagnostics
from core.health.checks import Unhealthy
from core.health.diagnostics import Context
from services.diagnostics.limits import STRESS_TIME
from services.diagnostics.measuring import Sample, concurrently

EVENT = "diagnostic.sent"
RECEIVER = "diagnostics.receiver"
PERFORMANCE_EVENTS = 50
PUBLISHERS = 4
LOOK_SECONDS = 0.02
STRESS_EVENTS = options.declare(
    "diagnostics.stress_events", Annotated[int, Field(ge=4, le=50_000)],
    default=2000, unit="events",
    help="How many events a stress test of the event bus publishes at most. They are removed"
    " afterwards.",
)  # fmt: skip


@subscribers.register(event=EVENT, name=RECEIVER, max_attempts=1)
def receive(event: Event) -> None:
    """Nothing to do: that the delivery took place is what is measured."""


@diagnostics.register("event_bus", "connectivity", seconds=5.0)
def connectivity(context: Context) -> dict[str, Any]:
    """One event, published and delivered."""
    with _subject() as subject:
        began = time.perf_counter()
        _publish(subject)
        _wait(subject, 1, context)
        took = round((time.perf_counter() - began) * 1000, 3)
    return {"message": "Published an event and saw it delivered", "delivery_ms": took}


@diagnostics.register("event_bus", "performance", lead="avg_delivery_ms", seconds=20.0)
def performance(context: Context) -> dict[str, Any]:
    """Events one after the other, each in a transaction of its own."""
    with _subject() as subject:
        for number in range(PERFORMANCE_EVENTS):
            _publish(subject)
            context.progress(number / PERFORMANCE_EVENTS / 2)
        _wait(subject, PERFORMANCE_EVENTS, context)
        sample = _latencies(subject)
    return {
        "avg_delivery_ms": sample.mean_ms,
        "p95_delivery_ms": sample.percentile_ms(95),
        "events": PERFORMANCE_EVENTS,
    }


@diagnostics.register(
    "event_bus", "stress", lead="events_per_second", better="higher", seconds=30.0
)
def stress(context: Context) -> dict[str, Any]:
    """Many events from four publishers at once; they are removed after."""
    most = STRESS_EVENTS.value // PUBLISHERS
    with _subject() as subject:
        began = time.perf_counter()
        published = concurrently(
            lambda number, stopped: _load(subject, most, stopped),
            threads=PUBLISHERS,
            context=context,
            seconds=STRESS_TIME.value,
        )
        count = len(published.durations_ms)
        _wait(subject, count, context)
        seconds = time.perf_counter() - began
        delivered = _latencies(subject)
    return {
        "events": count,
        "published_per_second": published.per_second,
        "events_per_second": round(count / seconds, 1),
        "avg_delivery_ms": delivered.mean_ms,
        "p99_delivery_ms": delivered.percentile_ms(99),
    }


def _load(subject: str, most: int, stopped: Callable[[], bool]) -> list[float]:
    durations: list[float] = []
    while not stopped() and len(durations) < most:
        began = time.perf_counter()
        _publish(subject)
        durations.append((time.perf_counter() - began) * 1000)
    return durations


def _publish(subject: str) -> None:
    with transaction.atomic():
        publish(EVENT, subject=subject, payload={})


def _deliveries(subject: str) -> QuerySet[Delivery]:
    return Delivery.objects.filter(
        event__subject=subject, subscriber=RECEIVER, status=Status.DELIVERED
    )


def _wait(subject: str, count: int, context: Context) -> None:
    """Raises Unhealthy when the time of the test ends before the deliveries."""
    while (delivered := _deliveries(subject).count()) < count:
        if context.remaining() < 2 * LOOK_SECONDS:
            raise Unhealthy(
                f"{count - delivered} of {count} events were not delivered in time:"
                " no worker is alive, or they are far behind",
                published=count,
                delivered=delivered,
            )
        context.checkpoint()
        time.sleep(LOOK_SECONDS)


def _latencies(subject: str) -> Sample:
    """From the publication of each event to the beginning of its delivery."""
    took = ExpressionWrapper(
        F("delivered_at") - F("event__created_at"), output_field=DurationField()
    )
    found = _deliveries(subject).annotate(took=took).values_list("took", flat=True)
    return Sample([each.total_seconds() * 1000 for each in found], 0.0)


@contextlib.contextmanager
def _subject() -> Iterator[str]:
    """A subject of our own, whose events are gone after the block."""
    subject = f"diagnostic:{uuid4().hex}"
    try:
        yield subject
    finally:
        Event.objects.filter(name=EVENT, subject=subject).delete()
