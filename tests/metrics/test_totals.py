"""Totals count all that was ever measured, and never fall."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection

from core import options
from core.metrics import merging, retention, totals
from core.metrics.instruments import Kind
from core.metrics.models import Minute, Rollup, Unmerged
from core.metrics.resolutions import FIVE_MINUTES, HOUR, MINUTE
from core.metrics.totals import TotalRow
from core.retention import rules
from tests.metrics import rows, truth

pytestmark = pytest.mark.django_db


def merge_all() -> None:
    while merging.merge():
        continue


def only() -> TotalRow:
    [row] = totals.read()
    return row


def test_what_is_not_merged_yet_counts_too():
    rows.measured(at=rows.ago(hours=2), values=[1.0, 2.0])
    merge_all()
    rows.measured(at=rows.ago(), values=[2.0])
    assert (only().kind, only().instrument, only().labels) == (
        Kind.HISTOGRAM, "test_duration_seconds", {},
    )  # fmt: skip
    assert (only().count, only().sum, only().buckets) == (3, 5.0, {0: 1, 35: 2})


def test_a_late_flush_counts_once_before_and_after_it_is_merged():
    at = rows.ago(hours=2)
    rows.measured(at=at, values=[1.0])
    merge_all()
    rows.measured(at=at, values=[1.0, 2.0])
    rows.measured(at=at, source=rows.source(2, node="there"), values=[4.0])
    before = only()
    merge_all()
    assert only() == before
    assert (before.count, before.sum) == (3, 7.0)


def test_of_an_instrument_with_labels_only_the_sets_are_told_and_no_gauges():
    at = rows.ago(hours=2)
    for labels in ({}, {"route": "x"}, {"route": "y"}):
        rows.measured(at=at, label_set=rows.label_set(**labels))
    rows.measured(at=at, kind=Kind.COUNTER, count=2, sum=2.5)
    rows.measured(at=at, kind=Kind.GAUGE, sum=60.0, weight=60.0)
    for _ in range(2):
        told = [(row.instrument, row.labels, row.count) for row in totals.read()]
        assert told == [
            ("test_duration_seconds", {"route": "x"}, 1),
            ("test_duration_seconds", {"route": "y"}, 1),
            ("test_errors", {}, 2),
        ]
        merge_all()


def test_they_outlive_the_minutes_and_the_rollups():
    with rows.kept(hours=24 * 14):
        rows.measured(at=rows.ago(days=5), values=[0.1, 0.2])
    merge_all()
    before = only()
    retention.drop_minutes()
    with options.replaced({"metrics.keep_5m_days": 2}):
        assert rules.get("metrics.rollups_5m").delete_batch().rows == 2
    assert not Minute.objects.exists()
    assert only() == before


def test_when_minutes_are_gone_though_something_is_unmerged_the_rollup_counts():
    at = rows.ago(hours=30)
    rows.measured(at=at, values=[1.0])
    merge_all()
    Unmerged.objects.create(at=FIVE_MINUTES.floor(at))
    before = only()
    Minute.objects.all().delete()
    assert only() == before


@pytest.mark.parametrize("seed", range(6))
def test_they_never_fall_to_the_last_bit(seed):
    """Processes write what they have counted so far, again and again; buckets are merged, and
    minutes and rollups dropped, at any time."""
    choice = random.Random(seed)
    clock = rows.now()
    hours = [HOUR.floor(clock - timedelta(hours=back)) for back in (3, 4, 80)]
    values: dict[tuple, list[float]] = {}
    highest: dict[str, TotalRow] = {}
    with options.replaced({"metrics.keep_1m_hours": 24 * 5, "metrics.keep_5m_days": 2}):
        for _ in range(60):
            match choice.choice(("flush", "flush", "merge", "merge all")):
                case "flush":
                    flush(choice, hours, values)
                case "merge":
                    merging.merge()
                case "merge all":
                    merge_all()
            never_less(highest)
    assert_complete(values)
    merge_all()
    with rows.kept(hours=24):
        retention.drop_minutes()
        never_less(highest)
        while rules.get("metrics.rollups_5m").delete_batch().rows:
            never_less(highest)
    assert_complete(values)


def flush(choice, hours, values) -> None:
    key = (choice.choice(hours) + choice.randint(0, 11) * MINUTE.step, choice.randint(1, 3))
    values.setdefault(key, []).extend(choice.random() / 3 for _ in range(choice.randint(1, 5)))
    at, number = key
    source, seen = rows.source(number, node=f"node {number}"), values[key]
    growth = {"count": len(seen), "sum": plain_sum(seen)}
    rows.write([
        rows.minute(at=at, label_set=rows.label_set(), source=source, values=seen),
        rows.minute(at=at, label_set=rows.label_set(kind=Kind.COUNTER), source=source, **growth),
    ])  # fmt: skip


def plain_sum(values: list[float]) -> float:
    """Added up one after the other, as a process does."""
    whole = 0.0
    for value in values:
        whole += value
    return whole


def never_less(highest: dict[str, TotalRow]) -> None:
    for row in totals.read():
        before = highest.get(row.instrument, row)
        assert row.count >= before.count
        assert row.sum >= before.sum
        for index, count in before.buckets.items():
            assert row.buckets[index] >= count
        highest[row.instrument] = row


def assert_complete(values: dict[tuple, list[float]]) -> None:
    whole = [value for each in values.values() for value in each]
    for row in totals.read():
        assert row.count == len(whole)
        assert row.sum == pytest.approx(sum(whole), rel=1e-9)
        assert sum(row.buckets.values()) == (0 if row.kind is Kind.COUNTER else len(whole))


def test_what_is_no_number_keeps_no_bucket_from_being_merged():
    at = rows.ago(hours=2)
    for number, sum_ in enumerate((float("inf"), float("-inf"), 1e308, 1e308, 2.0)):
        rows.measured(at=at, kind=Kind.COUNTER, source=rows.source(number), count=1, sum=sum_)
    merge_all()
    assert only().count == 5
    rows.measured(at=at + FIVE_MINUTES.step, kind=Kind.COUNTER, count=1, sum=2.5)
    assert (only().count, only().sum) == (6, 2.5)


@pytest.mark.django_db(transaction=True)
def test_a_reader_beside_a_merger_sees_one_moment():
    start = HOUR.floor(rows.ago(hours=5))
    rows.write(
        rows.minute(
            at=start + number * MINUTE.step, label_set=rows.label_set(),
            source=rows.source(1), values=[0.1 * number, 1.0],
        )
        for number in range(240)
    )  # fmt: skip
    truth_ = only()
    done = threading.Event()

    def merge() -> None:
        try:
            for _ in range(3):
                merge_all()
                Unmerged.objects.bulk_create(
                    Unmerged(at=start + number * FIVE_MINUTES.step) for number in range(48)
                )
            merge_all()
        finally:
            done.set()
            connection.close()

    with ThreadPoolExecutor(1) as thread:
        merged = thread.submit(merge)
        seen = []
        while not done.is_set():
            seen.append(only())
        merged.result()
    assert seen.count(truth_) == len(seen) > 10
    assert Rollup.objects.get(resolution=3600, node="", at=start).count == 120
    assert (truth_.count, truth_.sum) == truth.total(list(Minute.objects.all()))[:2]
