"""The inside of benchmarks.events: runs on an instance, prints one JSON document."""

from __future__ import annotations

import json
import os
import signal
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import psutil
from django.db import connection, transaction

from benchmarks.harness import Comparison, compare, microseconds_per_call
from core import ids, valkey
from core.events import dispatcher, queries, subscribers, tally
from core.events.models import Delivery, Event, Status
from core.events.operations import publish
from core.processes import control, runtime
from core.processes import queries as processes
from tests.waiting import until

SLICE_SECONDS = 0.2
DELIVERIES = 500  # in a slice
ARRIVALS = 200
BACKLOG = 100_000
IDLE_SECONDS = 10.0
PAYLOAD = {"task": "task_01h455vb4pex5vsknk084sn02q", "duration_seconds": 1.5}


def main() -> None:
    rounds = int(os.environ["BENCHMARK_ROUNDS"])
    listeners = json.loads(os.environ["BENCHMARK_LISTENERS"])
    until(lambda: len(processes.alive()) == len(listeners), seconds=60)
    document = {
        "publish": _ratios(publishing(rounds)),
        "dispatch": dispatching(rounds),
        "arrival": arrivals(),
        "listening": listening(listeners),
        "broadcast": broadcasts(int(os.environ["BENCHMARK_BROADCASTS"])),
        "statistics": (BACKLOG, counting()),
    }
    json.dump(document, sys.stdout)


def _ratios(comparison: Comparison) -> dict[str, dict[str, float]]:
    return {
        "costs": {name: comparison.median(name) for name in comparison.figures},
        "ratios": {name: comparison.ratio(name, "bare") for name in comparison.figures},
    }


@contextmanager
def subscribed(number: int, handler: Callable[[Event], object], pattern: str) -> Iterator[None]:
    names = [f"benchmark {each}" for each in range(number)]
    for name in names:
        subscribers.register(event=pattern, name=name)(handler)  # type: ignore[arg-type]
    yield
    for name in names:
        subscribers.registry.remove(name)


def clear() -> None:
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE events_event, events_delivery")


# ---------------------------------------------------------------------------------------------


def bare() -> None:
    with transaction.atomic():
        Event(id=ids.new(), name="bare.done", subject="x", payload=PAYLOAD).save(force_insert=True)


def published(name: str) -> None:
    with transaction.atomic():
        publish(name, subject="x", payload=PAYLOAD)


def publishing(rounds: int) -> Comparison:
    calls = {
        "bare": bare,
        "unheard": partial(published, "unheard.done"),
        "one": partial(published, "one.done"),
        "ten": partial(published, "ten.done"),
    }
    slices = {
        name: partial(microseconds_per_call, call, seconds=SLICE_SECONDS)
        for name, call in calls.items()
    }
    with subscribed(10, lambda event: None, "ten.*"):
        subscribers.register(event="one.*", name="one")(lambda event: None)
        comparison = compare(slices, rounds=rounds)
    subscribers.registry.remove("one")
    clear()
    return comparison


def dispatching(rounds: int) -> dict[str, float]:
    """Deliveries a second of ours, and how many times those of one transaction each."""
    with subscribed(1, lambda event: None, "test.*"):
        comparison = compare(
            {"ours": partial(rate, dispatcher.dispatch), "single": partial(rate, one_by_one)},
            rounds=rounds,
        )
    clear()
    return {"rate": comparison.median("ours"), "ratio": comparison.ratio("ours", "single")}


def rate(turn: Callable[[], bool]) -> float:
    with transaction.atomic():
        for _ in range(DELIVERIES):
            publish("test.done", subject="x", payload=PAYLOAD)
    started = time.perf_counter()
    more = True
    while more:
        more = turn()
    return DELIVERIES / (time.perf_counter() - started)


@transaction.atomic
def one_by_one() -> bool:
    """The plain way: lock the oldest, handle it, mark it, count it, commit."""
    oldest = Delivery.objects.select_for_update(skip_locked=True, of=("self",))
    due = oldest.select_related("event").filter(status=Status.PENDING).order_by("next_attempt_at")
    delivery = due.first()
    if delivery is None:
        return False
    subscribers.registry.get(delivery.subscriber).handler(delivery.event)
    delivery.status = Status.DELIVERED
    delivery.save(update_fields=["status"])
    tally.settle([delivery.event_id])
    return True


# ---------------------------------------------------------------------------------------------


def arrivals() -> tuple[float, float]:
    """From before the publication to the handler, while this process is a worker; in ms."""
    arrived = threading.Event()
    times = []
    with subscribed(1, lambda event: arrived.set(), "test.*"):
        runtime.start("worker")
        until(lambda: len(processes.alive("worker")) == 1)
        for _ in range(ARRIVALS):
            arrived.clear()
            started = time.perf_counter()
            published("test.done")
            arrived.wait(10)
            times.append(time.perf_counter() - started)
            time.sleep(0.01)  # so that the dispatcher has gone back to sleep
    return percentiles(times)


def percentiles(seconds: list[float]) -> tuple[float, float]:
    """p50 and p99 in milliseconds."""
    return statistics.median(seconds) * 1e3, statistics.quantiles(seconds, n=100)[98] * 1e3


def listening(pids: list[int]) -> float:
    """The part of a core that an idle process of the instance uses."""
    watched = [psutil.Process(pid) for pid in pids]

    def used() -> float:
        return sum(sum(process.cpu_times()[:2]) for process in watched)

    before = used()
    time.sleep(IDLE_SECONDS)
    return (used() - before) / len(pids) / IDLE_SECONDS


def broadcasts(number: int) -> dict[str, tuple[float, float]]:
    server = int(valkey.cache_client().info("server")["process_id"])
    up = [broadcast(each) for each in range(number)]
    os.kill(server, signal.SIGSTOP)
    try:
        frozen = [broadcast(each) for each in range(number)]
    finally:
        os.kill(server, signal.SIGCONT)
    return {"up": percentiles(up), "frozen": percentiles(frozen)}


def broadcast(number: int) -> float:
    started = time.perf_counter()
    result = control.broadcast("benchmark.unknown", {"number": number}, wait_seconds=10)
    if result.missing or not result.errors:
        raise RuntimeError(f"not everybody answered: {result}")
    return time.perf_counter() - started


def counting() -> float:
    """Milliseconds for the statistics of a long queue."""
    runtime.stop()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO events_event (id, name, subject, payload, actor, request_id, remaining)"
            " SELECT gen_random_uuid(), 'test.done', 'x', '{}', '', '', 1"
            " FROM generate_series(1, %s)",
            [BACKLOG],
        )
    return microseconds_per_call(queries.statistics, seconds=SLICE_SECONDS) / 1e3
