"""A flush writes what was recorded: all of it, each value once, in its own minute."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import OperationalError, connection

from core import options
from core.metrics import flushing
from core.metrics.histogram import decode
from core.metrics.models import LabelSet, Minute, Source, Unmerged
from core.metrics.recorder import OTHER, Cell, recorder
from core.metrics.resolutions import FIVE_MINUTES
from tests.metrics.recorded import (
    DURATION,
    GROWTH,
    LEVEL,
    PLAIN,
    SHARE,
    clock,
    count,
    minute,
    moment,
    row,
)

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("standing_clock"),
]


def test_it_writes_each_set_of_labels_and_the_total_of_all():
    for _ in range(3):
        DURATION.record(0.5, "a", "x")
    DURATION.record(2.0, "b", "y", exemplar="req_2")
    GROWTH.add(2, "a")
    GROWTH.add(5, "b")
    assert flushing.flush() is False

    first, total = row(DURATION, kind="a", place="x"), row(DURATION)
    assert (first.count, first.sum, first.low, first.high) == (3, 1.5, 0.5, 0.5)
    assert list(decode(first.buckets).values()) == [3]
    assert (total.count, total.sum, total.low, total.high) == (4, 3.5, 0.5, 2.0)
    assert list(decode(total.buckets).values()) == [3, 1]
    assert (first.exemplar, total.exemplar["id"], total.exemplar["value"]) == (None, "req_2", 2.0)
    growth = row(GROWTH)
    assert (growth.count, growth.sum, growth.low, growth.buckets) == (2, 7, None, None)
    assert LabelSet.objects.get(instrument=DURATION.name, labels={}).kind == "histogram"


def test_an_instrument_without_labels_is_written_once():
    PLAIN.record(1.0)
    flushing.flush()
    assert count(PLAIN) == 1


def test_gauges_add_up_or_are_averaged_over_their_label_sets():
    for gauge in (LEVEL, SHARE):
        gauge.set(100, "a", seconds=10)
        gauge.set(40, "b", seconds=5)
    flushing.flush()
    level, share = row(LEVEL), row(SHARE)
    assert (level.sum, level.weight, level.low, level.high) == (1200, 10, 120, 120)
    assert (share.sum, share.weight, share.low, share.high) == (1200, 15, 40, 100)


def test_a_total_is_the_sum_of_its_label_sets_beyond_their_number_too():
    with options.replaced({"metrics.label_sets": 10}):
        for number in range(30):
            DURATION.record(number / 10, f"kind {number}", "x")
        flushing.flush()
    sets = Minute.objects.filter(label_set__instrument=DURATION.name).exclude(label_set__labels={})
    assert sum(each.count for each in sets) == row(DURATION).count == 30
    assert count(DURATION, kind=OTHER, place=OTHER) == 20


def test_what_was_written_is_rewritten_and_not_added():
    for times in (1, 2, 3):
        DURATION.record(1.0, "a", "x")
        flushing.flush()
        assert count(DURATION) == count(DURATION, kind="a", place="x") == times


def test_a_flush_with_nothing_new_writes_nothing(django_assert_num_queries):
    PLAIN.record(1.0)
    flushing.flush()
    with django_assert_num_queries(0):
        flushing.flush()


def test_it_is_one_statement_once_the_label_sets_are_known(django_assert_num_queries):
    DURATION.record(1.0, "a", "x")
    flushing.flush()
    DURATION.record(1.0, "a", "x")
    with django_assert_num_queries(1):
        flushing.flush()
    assert count(DURATION) == 2


def test_only_what_changed_is_written(monkeypatch):
    DURATION.record(1.0, "a", "x")
    PLAIN.record(1.0)
    flushing.flush()
    DURATION.record(1.0, "b", "x")
    written = []
    monkeypatch.setattr(flushing, "write", lambda rows, *, until: written.extend(rows))
    flushing.flush()
    assert [(each.instrument, each.labels) for each in written] == [
        (DURATION.name, '{"kind":"b","place":"x"}'),
        (DURATION.name, "{}"),
    ]


def test_it_marks_the_buckets_that_have_to_be_merged_again(monkeypatch):
    for ago in (11, 10, 0):
        with clock(monkeypatch, minute(ago)):
            PLAIN.record(1.0)
    flushing.flush()
    expected = {FIVE_MINUTES.floor(moment(minute(ago))) for ago in (11, 10, 0)}
    assert set(Unmerged.objects.values_list("at", flat=True)) == expected


def test_whoever_merges_a_bucket_waits_for_the_flush_that_is_under_way():
    """Its mark is locked by a flush, even when the mark was there before."""
    PLAIN.record(1.0)
    flushing.flush()
    PLAIN.record(1.0)
    flushed, committed = threading.Event(), threading.Event()

    def flush() -> None:
        connection.set_autocommit(False)
        flushing.flush()
        flushed.set()
        committed.wait(10)
        connection.commit()
        connection.set_autocommit(True)
        connection.close()

    with ThreadPoolExecutor(1) as pool:
        flushing_ = pool.submit(flush)
        assert flushed.wait(10)
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '50ms'")
            with pytest.raises(OperationalError, match="lock timeout"):
                cursor.execute("DELETE FROM metrics_unmerged")
            committed.set()
            flushing_.result()
            cursor.execute("SET lock_timeout = 0")
            cursor.execute("DELETE FROM metrics_unmerged")
            assert cursor.rowcount == 1
    assert count(PLAIN) == 2


def test_processes_that_flush_the_same_at_once_do_not_get_in_each_others_way():
    """The same new label sets, in different orders, and the same marks."""
    sources = []

    def flush(number: int) -> None:
        own = type(recorder)()
        sources.append(own.source)
        for kind in sorted("abcdefgh", reverse=bool(number % 2)):
            own.note(DURATION.name, (kind, "x"), Cell.see, 1.0)
        written = [each for minute in own.snapshot() for each in flushing.rows(minute)]
        start.wait()
        flushing.write(written, until=datetime.now(UTC))
        connection.close()

    start = threading.Barrier(6)
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(flush, range(6)))
    assert count(DURATION) == 6 * 8
    assert Source.objects.filter(process__in=sources).count() == 6


def test_a_source_says_which_process_it_is(running, settings):
    running("beat")
    PLAIN.record(1.0)
    before = datetime.now(UTC) - timedelta(seconds=60)
    flushing.flush()
    source = Source.objects.get(process=recorder.source)
    assert (source.node, source.role) == (settings.NODE, "beat")
    assert before < source.started_at <= source.flushed_until
