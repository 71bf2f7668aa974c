"""Every event reaches every subscriber; effects in the database happen exactly once."""

from __future__ import annotations

import threading
from datetime import timedelta
from itertools import pairwise

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now

from core.api import request_id
from core.events import dispatcher, queries, tally
from core.events.models import Delivery, Event, Status
from core.events.operations import publish, retry
from core.events.subscribers import registry
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)


def drain() -> None:
    more = True
    while more:
        more = dispatcher.dispatch()


def due_now() -> None:
    Delivery.objects.filter(status=Status.PENDING).update(next_attempt_at=Now())


def test_a_subscriber_gets_the_events_in_order(subscribe):
    heard = subscribe()
    for number in range(250):
        publish("test.done", subject=str(number), payload={})
    drain()
    assert [event.subject for event in heard] == [str(number) for number in range(250)]
    assert set(Delivery.objects.values_list("status", "attempts")) == {("delivered", 1)}
    assert queries.statistics() == {
        "queue_size": 0,
        "processed_events": 250,
        "oldest_pending_seconds": None,
        "failed_deliveries": 0,
    }


def test_an_event_without_subscribers_is_processed_too():
    publish("test.done", subject="x", payload={})
    assert queries.statistics()["queue_size"] == 1
    drain()
    assert queries.statistics()["queue_size"] == 0
    assert queries.statistics()["processed_events"] == 1


def test_processed_events_survive_their_rows():
    publish("test.done", subject="x", payload={})
    drain()
    Event.objects.all().delete()
    assert queries.statistics()["processed_events"] == 1


def test_the_age_of_the_oldest_event_is_told(subscribe):
    subscribe()
    publish("test.done", subject="x", payload={})
    Event.objects.update(created_at=Now() - timedelta(seconds=90))
    assert 90 <= queries.statistics()["oldest_pending_seconds"] < 100


def test_the_handler_runs_under_the_request_that_caused_the_event(subscribe):
    seen = []
    subscribe(handler=lambda event: seen.append(request_id.current()))
    request_id.adopt("req_the_cause")
    publish("test.done", subject="x", payload={})
    request_id.adopt("")
    drain()
    assert seen == ["req_the_cause"]
    assert request_id.current() == ""


def test_a_failing_handler_leaves_nothing_and_is_tried_again(subscribe):
    failures = [ValueError("not yet")]

    def handler(event):
        publish("other.done", subject="effect", payload={})
        if failures:
            raise failures.pop()

    subscribe(handler=handler)
    publish("test.done", subject="x", payload={})
    drain()
    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.last_error) == ("pending", "ValueError: not yet")
    assert not Event.objects.filter(subject="effect").exists()
    due_now()
    drain()
    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts, delivery.last_error) == ("delivered", 2, "")
    assert Event.objects.filter(subject="effect").count() == 1
    assert tally.processed() == 2


def test_a_failing_handler_does_not_hold_up_the_others(subscribe):
    def failing(event):
        raise ValueError

    subscribe(name="failing", handler=failing)
    heard = subscribe(name="working")
    for number in range(20):
        publish("test.done", subject=str(number), payload={})
    drain()
    assert len(heard) == 20


def test_a_handler_that_breaks_its_transaction_harms_no_other(subscribe):
    def breaking(event):
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 / 0")

    subscribe(name="breaking", handler=breaking)
    heard = subscribe(name="working")
    publish("test.done", subject="x", payload={})
    drain()
    assert len(heard) == 1
    assert "division by zero" in Delivery.objects.get(subscriber="breaking").last_error


def test_pauses_between_attempts_grow(subscribe):
    pauses = [dispatcher._pause(attempts) for attempts in range(1, 12)]
    assert 0.75 <= pauses[0] <= 1.25
    assert all(later > earlier * 1.1 for earlier, later in pairwise(pauses[:8]))
    assert max(pauses) <= 300 * 1.25


def test_after_the_last_attempt_the_delivery_has_failed_and_can_be_retried(subscribe):
    broken = [True]

    def handler(event):
        if broken:
            raise ValueError("broken")

    subscribe(handler=handler, max_attempts=3)
    publish("test.done", subject="x", payload={})
    for _ in range(5):
        due_now()
        drain()
    assert Delivery.objects.get().status == Status.FAILED
    assert Delivery.objects.get().attempts == 3
    statistics = queries.statistics()
    assert (statistics["queue_size"], statistics["processed_events"]) == (0, 1)
    assert statistics["failed_deliveries"] == 1
    broken.clear()
    assert retry(name="other.*") == 0
    assert retry(name="test.*") == 1
    assert (queries.statistics()["queue_size"], tally.processed()) == (1, 0)
    drain()
    assert Delivery.objects.get().status == Status.DELIVERED
    assert (queries.statistics()["queue_size"], tally.processed()) == (0, 1)


def test_what_was_begun_before_is_tried_alone(subscribe):
    """So that a handler which kills the process uses up its own attempts only."""
    heard = subscribe()
    for number in range(5):
        publish("test.done", subject=str(number), payload={})
    assert len(dispatcher._claim()) == 5  # and here the process was killed
    due_now()
    assert dispatcher.deliver_batch() == 1
    assert len(heard) == 1


def test_a_claim_of_a_dead_dispatcher_runs_out(subscribe):
    heard = subscribe()
    publish("test.done", subject="x", payload={})
    dispatcher._claim()
    drain()
    assert heard == []
    assert Delivery.objects.filter(
        next_attempt_at__lte=Now() + timedelta(seconds=dispatcher.CLAIM_SECONDS)
    ).exists()


def test_slow_handlers_end_the_batch_early_and_keep_the_order(subscribe, monkeypatch):
    monkeypatch.setattr(dispatcher, "BATCH_SECONDS", 0.0)
    heard = subscribe()
    for number in range(3):
        publish("test.done", subject=str(number), payload={})
    dispatcher.deliver_batch()
    assert heard == []
    assert set(Delivery.objects.values_list("attempts", flat=True)) == {0}
    monkeypatch.undo()
    drain()
    assert [event.subject for event in heard] == ["0", "1", "2"]


def test_deliveries_to_a_subscriber_unknown_here_wait_and_are_given_up_in_the_end(subscribe):
    subscribe(name="retired")
    publish("test.done", subject="x", payload={})
    registry.remove("retired")
    drain()
    dispatcher.give_up_orphans()
    assert Delivery.objects.get().status == Status.PENDING
    Delivery.objects.update(next_attempt_at=Now() - timedelta(hours=2))
    dispatcher.give_up_orphans()
    assert Delivery.objects.get().status == Status.FAILED
    assert queries.statistics()["queue_size"] == 0


def test_dispatchers_side_by_side_deliver_each_event_once(subscribe):
    lock = threading.Lock()
    heard: list[tuple[str, str]] = []

    def handler_of(name):
        def handler(event):
            with lock:
                heard.append((name, event.subject))

        return handler

    for name in ("one", "two", "three"):
        subscribe(name=name, handler=handler_of(name))
    with transaction.atomic():
        for number in range(200):
            publish("test.done", subject=str(number), payload={})

    def work():
        try:
            drain()
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    # On a busy machine a batch may end early; what it had claimed is due again in some seconds.
    until(lambda: drain() or not queries.statistics()["queue_size"], seconds=30)
    assert len(heard) == len(set(heard)) == 600
    assert (queries.statistics()["queue_size"], tally.processed()) == (0, 200)
