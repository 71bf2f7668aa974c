"""Brings events to their subscribers: a loop in every worker.

A batch is claimed in a transaction of its own, which counts the attempts: so a handler that
kills the process is given up in the end. The deliveries then run in a second transaction,
each in a savepoint, and are marked in it: what a handler writes and the mark that says so
are committed together. Whoever dies in between leaves claims that run out after seconds.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Iterable
from datetime import timedelta
from itertools import takewhile
from typing import Annotated
from uuid import UUID

from django.db import transaction
from django.db.models import F, OuterRef, Subquery
from django.db.models.functions import Now
from pydantic import Field

from core import options
from core.api import request_id
from core.events import subscribers, tally
from core.events.models import Delivery, Event, Status
from core.events.operations import CHANNEL
from core.processes import loops
from core.text import cut

logger = logging.getLogger(__name__)

BATCH = options.declare(
    "events.batch_size", Annotated[int, Field(ge=1, le=1000)], default=100, unit="deliveries",
    help="How many deliveries a worker takes at once, in one transaction. Fewer make slow"
    " subscribers show their effects sooner, more make quick ones quicker.",
)  # fmt: skip
BATCH_SECONDS = 1.0  # a batch with slow handlers ends early, so that its effects show
CLAIM_SECONDS = 5.0
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE = options.declare(
    "events.longest_retry_seconds", Annotated[float, Field(ge=1, le=86_400)],
    default=300.0, unit="s",
    help="The longest pause before an event is offered again to a subscriber that failed. The"
    " pauses begin with a second and double until then.",
)  # fmt: skip
ORPHAN_AGE = timedelta(hours=1)
ERROR_LENGTH = 2000


@loops.register(CHANNEL, roles={"worker"}, interval=1.0)
def dispatch() -> bool:
    """Deliver one batch; returns whether there may be more."""
    delivered = deliver_batch()
    unheard = tally.settle_unheard()
    return delivered > 0 or unheard == tally.BATCH


def deliver_batch() -> int:
    """Deliver what is due, oldest first; returns how many deliveries were claimed."""
    claimed = _claim()
    if claimed:
        with transaction.atomic():
            deliveries = (
                Delivery.objects.select_for_update(skip_locked=True, of=("self",))
                .select_related("event")
                .filter(pk__in=claimed, status=Status.PENDING)
                .order_by("pk")
            )
            _record(_attempt_all(deliveries))
    return len(claimed)


@transaction.atomic
def _claim() -> list[UUID]:
    """Count an attempt for the oldest deliveries that are due and keep others off them.

    One that has been begun before is claimed alone: if it is the one that kills the process,
    it doesn't use up the attempts of others.
    """
    due = (
        Delivery.objects.select_for_update(skip_locked=True)
        .filter(
            status=Status.PENDING,
            next_attempt_at__lte=Now(),
            subscriber__in=subscribers.registry.names(),
        )
        .order_by("next_attempt_at", "pk")
        .values_list("pk", "attempts")[: BATCH.value]
    )
    rows = list(due)
    fresh = takewhile(lambda row: row[1] == 0, rows)
    claimed = [key for key, _ in fresh] or [key for key, _ in rows[:1]]
    if claimed:
        Delivery.objects.filter(pk__in=claimed).update(
            attempts=F("attempts") + 1,
            next_attempt_at=Now() + timedelta(seconds=CLAIM_SECONDS),
        )
    return claimed


def _attempt_all(deliveries: Iterable[Delivery]) -> list[tuple[Delivery, str | None]]:
    """Each delivery with its error, "" when it went well and None when time ran out before."""
    deadline = time.monotonic() + BATCH_SECONDS
    return [
        (delivery, _attempt(delivery) if time.monotonic() < deadline else None)
        for delivery in deliveries
    ]


def _attempt(delivery: Delivery) -> str:
    request_id.adopt(delivery.event.request_id)
    try:
        with transaction.atomic():
            subscribers.registry.get(delivery.subscriber).handler(delivery.event)
    except Exception as error:
        logger.warning(
            "%s could not handle %s (attempt %d)",
            delivery.subscriber, delivery.event, delivery.attempts, exc_info=error,
        )  # fmt: skip
        return cut(f"{type(error).__name__}: {error}", ERROR_LENGTH)
    finally:
        request_id.adopt("")
    return ""


def _record(outcomes: list[tuple[Delivery, str | None]]) -> None:
    ended = [delivery for delivery, error in outcomes if error == ""]
    late = [delivery for delivery, error in outcomes if error is None]
    _rows(ended).update(status=Status.DELIVERED, delivered_at=Now(), last_error="")
    for delivery, error in outcomes:
        if error:
            delivery.last_error = error
            subscriber = subscribers.registry.get(delivery.subscriber)
            if delivery.attempts >= subscriber.attempts_allowed:
                delivery.status = Status.FAILED
                ended.append(delivery)
            else:
                delivery.next_attempt_at = Now() + timedelta(seconds=_pause(delivery.attempts))
            delivery.save(update_fields=["status", "last_error", "next_attempt_at"])
    if late:  # back to their place in the queue
        published = Event.objects.filter(pk=OuterRef("event_id")).values("created_at")
        _rows(late).update(attempts=F("attempts") - 1, next_attempt_at=Subquery(published))
    tally.settle(delivery.event_id for delivery in ended)


def _rows(deliveries: list[Delivery]):
    return Delivery.objects.filter(pk__in=[delivery.pk for delivery in deliveries])


def _pause(attempts: int) -> float:
    """Seconds until the next attempt: doubling, scattered by half."""
    doubled = FIRST_PAUSE_SECONDS * 2.0 ** min(attempts - 1, 20)
    return min(doubled, LONGEST_PAUSE.value) * random.uniform(0.75, 1.25)  # noqa: S311


@loops.register("events.orphans", roles={"worker"}, interval=60.0)
@transaction.atomic
def give_up_orphans() -> bool:
    """Fail the deliveries to subscribers that no longer exist.

    Not at once: during an upgrade another worker may know a subscriber that this one doesn't.
    """
    orphans = list(
        Delivery.objects.select_for_update(skip_locked=True)
        .filter(status=Status.PENDING, next_attempt_at__lt=Now() - ORPHAN_AGE)
        .exclude(subscriber__in=subscribers.registry.names())[: tally.BATCH]
    )
    _rows(orphans).update(
        status=Status.FAILED, last_error="No subscriber of this name is registered any more."
    )
    tally.settle(delivery.event_id for delivery in orphans)
    return len(orphans) == tally.BATCH
