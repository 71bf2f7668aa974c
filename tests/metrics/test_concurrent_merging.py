"""Flushes and mergers at the same time lose nothing and count nothing twice."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.db import OperationalError, connection, transaction

from core.metrics import flushing, merging, rollups, totals
from core.metrics.instruments import Kind
from core.metrics.models import Rollup, Unmerged
from core.metrics.resolutions import FIVE_MINUTES, HOUR
from core.metrics.rows import Row
from tests.metrics import rows, truth
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)

WAITING = """
    SELECT count(*) FROM pg_locks
    JOIN pg_stat_activity USING (pid) WHERE NOT granted AND datname = current_database()
"""
HANG_UP = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
SECONDS = 20.0

Start = Callable[..., Future[Any]]


@pytest.fixture
def aside() -> Iterator[Start]:
    """Starts a function in a thread with a connection of its own."""

    def run(act: Callable[..., Any], *given: Any) -> Any:
        try:
            return act(*given)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        yield lambda act, *given: threads.submit(run, act, *given)


def flush(at: datetime, count: int, *, process: int = 1) -> None:
    """One statement, as every process writes."""
    row = Row(
        instrument="test_errors", kind=Kind.COUNTER, labels="{}", process=UUID(int=process), at=at,
        count=count, sum=float(count), weight=0.0, low=None, high=None, buckets=None,
        exemplar=None,
    )  # fmt: skip
    flushing.write([row], until=rows.now())


def sessions_that_wait() -> int:
    with connection.cursor() as cursor:
        cursor.execute(WAITING)
        return cursor.fetchone()[0]


def merged() -> dict[int, int]:
    """The count of each resolution, on all nodes, of the only bucket."""
    found = Rollup.objects.filter(node="").values_list("resolution", "count")
    return dict(found)


def everything(count: int) -> dict[int, int]:
    return dict.fromkeys((300, 900, 3600, 86_400), count)


def merge_all() -> None:
    while merging.merge():
        continue


@pytest.fixture
def held(monkeypatch) -> Iterator[tuple[threading.Event, threading.Event]]:
    """A merger stops when it has read the minutes: the first event says that it has, the second
    lets it go on."""
    reached, go_on = threading.Event(), threading.Event()
    compute = rollups.from_minutes

    def compute_and_stop(at: datetime) -> set[int]:
        label_sets = compute(at)
        reached.set()
        assert go_on.wait(SECONDS)
        return label_sets

    monkeypatch.setattr(rollups, "from_minutes", compute_and_stop)
    yield reached, go_on
    go_on.set()


def test_a_merger_waits_for_the_flush_in_flight_and_merges_what_it_wrote(aside):
    at = rows.ago(hours=2)
    flush(at, 1)
    with transaction.atomic():
        flush(at, 3)
        merger = aside(merging.merge)
        until(lambda: sessions_that_wait() == 1)
        assert not merger.done()
    assert merger.result(SECONDS)
    assert merged() == everything(3)
    assert not Unmerged.objects.exists()


def test_what_is_flushed_while_its_bucket_is_merged_is_marked_again(aside, held):
    reached, go_on = held
    at = rows.ago(hours=2)
    flush(at, 1)
    merger = aside(merging.merge)
    assert reached.wait(SECONDS)
    late = aside(flush, at, 5)
    until(lambda: sessions_that_wait() == 1)
    go_on.set()
    late.result(SECONDS)
    merger.result(SECONDS)
    assert merged() == everything(1)
    assert [row.count for row in totals.read()] == [5]
    assert Unmerged.objects.get().at == FIVE_MINUTES.floor(at)
    merge_all()
    assert merged() == everything(5)


def test_what_is_flushed_to_another_bucket_meanwhile_waits_for_nobody(aside, held):
    reached, go_on = held
    at = HOUR.floor(rows.ago(hours=2))
    flush(at, 1)
    merger = aside(merging.merge)
    assert reached.wait(SECONDS)
    aside(flush, at + FIVE_MINUTES.step, 1).result(SECONDS)
    assert not merger.done()
    go_on.set()
    merger.result(SECONDS)
    merge_all()
    assert truth.stored() == truth.expected()


def test_of_two_mergers_one_works(aside, held):
    reached, go_on = held
    flush(rows.ago(hours=2), 1)
    flush(rows.ago(hours=3), 1)
    first = aside(merging.merge)
    assert reached.wait(SECONDS)
    assert aside(merging.merge).result(SECONDS) is False
    go_on.set()
    assert first.result(SECONDS) is True


def test_of_a_merger_that_is_cut_off_nothing_stays_but_the_mark(aside, held):
    reached, go_on = held
    at = rows.ago(hours=2)
    flush(at, 4)
    merger = aside(merging.merge)
    assert reached.wait(SECONDS)
    with psycopg.connect(**database()) as session:
        session.execute(HANG_UP)
    connection.close()
    go_on.set()
    with pytest.raises(OperationalError):
        merger.result(SECONDS)
    assert not Rollup.objects.exists()
    assert [row.count for row in totals.read()] == [4]
    merge_all()
    assert merged() == everything(4)


def database() -> dict[str, Any]:
    given = connection.settings_dict
    return {
        "host": given["HOST"], "port": given["PORT"], "user": given["USER"],
        "password": given["PASSWORD"], "dbname": given["NAME"],
    }  # fmt: skip


def test_mergers_and_flushes_in_a_crowd_leave_what_was_flushed(aside):
    start = HOUR.floor(rows.ago(hours=3))

    def write(process: int) -> None:
        for count in range(1, 40):
            flush(start + (count % 8) * FIVE_MINUTES.step, count, process=process)

    def keep_merging(stop: threading.Event) -> None:
        while not stop.is_set():
            merging.merge()

    stop = threading.Event()
    mergers = [aside(keep_merging, stop) for _ in range(2)]
    writers = [aside(write, process) for process in (1, 2)]
    for each in writers:
        each.result(60)
    stop.set()
    for each in mergers:
        each.result(SECONDS)
    merge_all()
    assert truth.stored() == truth.expected()
    assert [row.count for row in totals.read()] == [2 * sum(range(32, 40))]
