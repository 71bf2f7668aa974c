"""What operators may tune about the delivery of events."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection

from core import options
from core.events import dispatcher
from core.events.models import Delivery
from core.events.operations import publish

pytestmark = pytest.mark.django_db(transaction=True)


def failing(event) -> None:
    raise ValueError("not today")


def pause() -> timedelta:
    """How long the only delivery waits for its next attempt."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT next_attempt_at - now() FROM events_delivery")
        return cursor.fetchone()[0]


@pytest.mark.option("events.max_attempts")
def test_a_subscriber_that_sets_no_number_is_offered_an_event_as_often_as_is_configured(subscribe):
    subscribe(handler=failing)
    publish("test.done", subject="x", payload={})
    with options.replaced({"events.max_attempts": 1}):
        dispatcher.deliver_batch()
    assert Delivery.objects.get().status == "failed"


def test_a_subscriber_with_a_number_of_its_own_keeps_it(subscribe):
    subscribe(handler=failing, max_attempts=2)
    publish("test.done", subject="x", payload={})
    with options.replaced({"events.max_attempts": 1}):
        dispatcher.deliver_batch()
    assert Delivery.objects.get().status == "pending"


@pytest.mark.option("events.batch_size")
def test_a_worker_takes_as_many_deliveries_at_once_as_is_configured(subscribe):
    subscribe()
    for number in range(5):
        publish("test.done", subject=str(number), payload={})
    with options.replaced({"events.batch_size": 2}):
        assert dispatcher.deliver_batch() == 2
    assert dispatcher.deliver_batch() == 3


@pytest.mark.option("events.longest_retry_seconds")
def test_the_pauses_between_attempts_grow_no_longer_than_is_configured(subscribe):
    subscribe(handler=failing, max_attempts=100)
    publish("test.done", subject="x", payload={})
    for most in (300, 4):
        Delivery.objects.update(attempts=50, next_attempt_at="2020-01-01T00:00:00Z")
        with options.replaced({"events.longest_retry_seconds": most}):
            dispatcher.deliver_batch()
        assert timedelta(seconds=most * 0.7) < pause() < timedelta(seconds=most * 1.3)
