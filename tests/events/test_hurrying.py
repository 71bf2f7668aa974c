"""Deliveries that wait for another attempt can be offered at once."""

from __future__ import annotations

import pytest

from core.events import dispatcher
from core.events.models import Delivery, Status
from core.events.operations import hurry, publish

pytestmark = pytest.mark.django_db(transaction=True)


def test_what_waits_for_another_attempt_is_offered_now(subscribe):
    heard, broken = [], [True]

    def handle(event) -> None:
        if broken:
            raise RuntimeError("not yet")
        heard.append(event.subject)

    subscribe(handler=handle)
    publish("test.done", subject="x", payload={})
    dispatcher.dispatch()
    assert dispatcher.deliver_batch() == 0  # it waits
    broken.clear()
    assert hurry() == 1
    dispatcher.dispatch()
    assert heard == ["x"]
    assert hurry() == 0


def test_what_was_given_up_stays_so(subscribe):
    def fail(event) -> None:
        raise RuntimeError("never")

    subscribe(handler=fail, max_attempts=1)
    publish("test.done", subject="x", payload={})
    dispatcher.dispatch()
    assert hurry() == 0
    assert Delivery.objects.get().status == Status.FAILED
