"""Workers dispatch what other processes publish, and may be killed at any moment."""

from __future__ import annotations

from django.db import connection, transaction

from core.events import queries, tally
from core.events.models import Delivery, Event, Status
from core.events.operations import publish
from tests.waiting import until

EFFECT = "effect.made"  # what tests.processes.program makes of each event
EVENTS = 300
KILLS = 4


def publish_many(number: int, *, seconds: float) -> None:
    with transaction.atomic():
        for each in range(number):
            publish("test.done", subject=str(each), payload={"seconds": seconds})


def effects() -> list[str]:
    return list(Event.objects.filter(name=EFFECT).values_list("subject", flat=True))


def starts() -> int:
    """How many events the workers have published of their own."""
    return Event.objects.filter(name="process.started").count()


def delivery_seconds(subject: str) -> float:
    """Publish an event and tell how long it took to arrive."""
    publish("test.done", subject=subject, payload={})
    arrived = Delivery.objects.filter(status=Status.DELIVERED, event__subject=subject)
    delivery = until(lambda: arrived.select_related("event").first())
    return (delivery.delivered_at - delivery.event.created_at).total_seconds()


def test_a_worker_is_woken_by_the_commit(spawn, subscribe):
    subscribe(name="recorder")
    spawn("worker").registered()
    publish("test.done", subject="first", payload={})
    until(effects, seconds=20)
    delays = sorted(delivery_seconds(str(number)) for number in range(10))
    assert delays[5] < 0.25  # a quarter of the polling interval


def test_killed_workers_lose_no_event_and_leave_each_effect_once(spawn, subscribe):
    subscribe(name="recorder")
    workers = [spawn("worker"), spawn("worker")]
    for worker in workers:
        worker.registered()
    publish_many(EVENTS, seconds=0.01)
    begun = Delivery.objects.filter(status=Status.PENDING, attempts__gt=0)
    for _ in range(KILLS):
        until(begun.exists, interval=0.001)
        workers.pop(0).kill()
        workers.append(spawn("worker"))
    until(lambda: queries.statistics()["queue_size"] == 0, seconds=60)
    assert sorted(effects(), key=int) == [str(number) for number in range(EVENTS)]
    assert set(Delivery.objects.values_list("status", flat=True)) == {"delivered"}
    until(lambda: tally.processed() == EVENTS + starts())


def test_a_worker_whose_connection_is_cut_goes_on(spawn, subscribe):
    subscribe(name="recorder")
    spawn("worker").registered()
    publish_many(100, seconds=0.01)
    until(Delivery.objects.filter(attempts__gt=0).exists, interval=0.001, seconds=20)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        assert cursor.fetchone()[0] > 1
    until(lambda: queries.statistics()["queue_size"] == 0, seconds=60)
    assert sorted(effects(), key=int) == [str(number) for number in range(100)]
