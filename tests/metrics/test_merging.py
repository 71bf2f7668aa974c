"""Rollups are what all minutes come to, whenever these were written."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta

import numpy
import pytest
from django.db import connection

from core.metrics import merging, partitions, retention, rollups
from core.metrics.instruments import Kind
from core.metrics.models import LabelSet, Minute, Rollup, Total, Unmerged
from core.metrics.resolutions import DAY, FIVE_MINUTES, HOUR, MINUTE, QUARTER
from tests.metrics import rows, truth

pytestmark = pytest.mark.django_db


def merge_all() -> int:
    """Returns the turns it took."""
    turns = 0
    while merging.merge():
        turns += 1
    return turns


def assert_true() -> None:
    """Every level is what the minutes come to."""
    assert truth.stored() == truth.expected()


def crowd() -> list[rows.Source]:
    """Processes on three nodes."""
    return [rows.source(number, node=node) for node in ("a", "b", "c") for number in (1, 2)]


def random_minute(choice: random.Random, at: datetime, source: rows.Source) -> Minute:
    kind = choice.choice(list(Kind))
    labels = {"route": choice.choice(("x", "y"))} if choice.random() < 0.7 else {}
    given: dict = {"label_set": rows.label_set(kind=kind, **labels), "at": at, "source": source}
    if kind is Kind.HISTOGRAM:
        given["values"] = [choice.lognormvariate(-3, 1) for _ in range(choice.randint(1, 20))]
    elif kind is Kind.COUNTER:
        given |= {"count": 3, "sum": choice.random() * 10}
    else:
        low, high = sorted((choice.random() * 100, choice.random() * 100))
        weight = choice.choice((15.0, 59.9, 60.0))
        given |= {"count": 4, "low": low, "high": high, "weight": weight}
        given["sum"] = choice.uniform(low, high) * weight
    return rows.minute(**given)


def of_days(choice: random.Random, number: int) -> list[Minute]:
    """Minutes from four days, most of them in a few hours, no two of the same key."""
    hours = [rows.ago(days=choice.uniform(0.1, 4)) for _ in range(6)]
    processes = crowd()
    made: dict[tuple, Minute] = {}
    while len(made) < number:
        at = choice.choice(hours) + timedelta(minutes=choice.randint(0, 59))
        each = random_minute(choice, at, choice.choice(processes))
        made[each.label_set_id, at, each.source_id] = each
    return list(made.values())


@pytest.fixture
def long_kept(settings) -> Iterator[None]:
    with rows.kept(hours=24 * 14):
        yield


@pytest.mark.parametrize("seed", range(5))
def test_every_level_is_what_the_minutes_come_to_whatever_the_order(seed, long_kept):
    choice = random.Random(seed)
    written = of_days(choice, 300)
    while written:  # in portions, merged in between, or not, or in part
        portion = [written.pop() for _ in range(min(choice.randint(1, 120), len(written)))]
        rows.write(portion)
        for _ in range(choice.choice((0, 1, 50))):
            merging.merge()
    merge_all()
    assert not Unmerged.objects.exists()
    assert_true()


def test_merging_again_changes_nothing(long_kept):
    rows.write(of_days(random.Random(7), 200))
    merge_all()
    tables = (Rollup, Total)
    before = [versions(each) for each in tables]
    marks = {FIVE_MINUTES.floor(at) for at in Minute.objects.values_list("at", flat=True)}
    Unmerged.objects.bulk_create(Unmerged(at=at) for at in marks)
    merge_all()
    assert [versions(each)[0] for each in tables] == [each[0] for each in before]
    assert versions(Rollup) == before[0]  # not one row was written again


def versions(model) -> tuple[list, list]:
    """The rows, and where each of them lies: a row that is written again lies elsewhere."""
    with connection.cursor() as cursor:
        table = model._meta.db_table
        cursor.execute(f"SELECT {table}::text, ctid::text FROM {table} ORDER BY 1")
        found = cursor.fetchall()
    return [row for row, _ in found], [place for _, place in found]


@pytest.mark.parametrize("resolution", [FIVE_MINUTES, QUARTER, HOUR, DAY], ids=str)
def test_a_late_flush_is_in_every_bucket_around_it(resolution):
    at = HOUR.floor(rows.ago(hours=3)) + timedelta(minutes=17)
    rows.measured(at=at, values=[1.0])
    merge_all()
    rows.measured(at=at, values=[1.0, 4.0])
    rows.measured(at=at, source=rows.source(2, node="there"), values=[2.0])
    merge_all()
    found = Rollup.objects.filter(resolution=resolution.seconds, at=resolution.floor(at))
    assert {row.node: (row.count, row.sum) for row in found} == {
        "": (3, 7.0), "here": (2, 5.0), "there": (1, 2.0),
    }  # fmt: skip
    assert_true()


def test_five_minutes_are_merged_once_they_are_over():
    now = rows.now()
    running, over = FIVE_MINUTES.floor(now), FIVE_MINUTES.floor(now) - 3 * FIVE_MINUTES.step
    rows.measured(at=running)
    assert merging.merge() is False
    rows.measured(at=over)
    merge_all()
    assert list(Unmerged.objects.values_list("at", flat=True)) == [running]
    assert set(Rollup.objects.filter(resolution=300).values_list("at", flat=True)) == {over}


def test_the_buckets_around_are_there_before_they_are_over():
    at = rows.ago(minutes=20)
    rows.measured(at=at, values=[1.0, 2.0])
    merge_all()
    assert Rollup.objects.get(resolution=DAY.seconds, node="").count == 2


def test_after_a_downtime_it_catches_up_the_newest_first_an_hour_a_turn():
    newest = HOUR.floor(rows.ago(hours=2))
    for hours in range(30):
        rows.measured(at=newest - timedelta(hours=hours))
    merging.merge()
    assert list(Rollup.objects.filter(resolution=3600, node="").values_list("at", flat=True)) == [
        newest
    ]
    assert merge_all() == 29
    assert_true()


def test_a_turn_ends_early_and_the_rest_of_the_hour_follows(monkeypatch):
    monkeypatch.setattr(merging, "TURN_SECONDS", 0.0)
    start = HOUR.floor(rows.ago(hours=3))
    for number in range(12):
        rows.measured(at=start + number * FIVE_MINUTES.step)
    assert merge_all() == 12
    assert_true()


def test_a_batch_ends_within_a_label_set(monkeypatch, long_kept):
    monkeypatch.setattr(rollups, "BATCH", 3)
    rows.write(of_days(random.Random(3), 200))
    merge_all()
    assert_true()


def test_what_a_restored_database_has_unmerged_is_merged_before_it_is_dropped():
    long_ago = rows.ago(days=10)
    with rows.kept(hours=24 * 14):  # as of the time it was saved at
        rows.measured(at=long_ago, values=[1.0, 2.0])
    rows.measured(at=rows.ago(hours=1))
    retention.drop_minutes()
    merge_all()
    assert_true()
    retention.drop_minutes()
    assert partitions.days() == [rows.ago(hours=1).date()]
    assert Rollup.objects.get(resolution=DAY.seconds, node="", at=DAY.floor(long_ago)).count == 2


def test_of_minutes_that_are_gone_the_mark_goes_and_the_rollups_stay():
    at = rows.ago(days=1)
    rows.measured(at=at, values=[1.0, 2.0])
    merge_all()
    before = truth.stored()
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE metrics_minute_{at:%Y%m%d}")
    Unmerged.objects.create(at=FIVE_MINUTES.floor(at))
    merge_all()
    assert not Unmerged.objects.exists()
    assert truth.stored() == before


def test_the_first_and_the_last_minute_of_a_day_are_merged_into_that_day():
    midnight = DAY.floor(rows.now())
    with rows.kept(hours=72):
        rows.measured(at=midnight - MINUTE.step)
        rows.measured(at=midnight - DAY.step)
    merge_all()
    [day] = Rollup.objects.filter(resolution=DAY.seconds, node="")
    assert (day.at, day.count) == (midnight - DAY.step, 2)
    assert_true()


def test_a_merger_that_fails_half_way_has_done_nothing(monkeypatch):
    rows.measured(at=rows.ago(hours=1))
    with monkeypatch.context() as broken:
        broken.setattr(rollups, "from_finer", lambda *given, **named: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            merging.merge()
    assert not Rollup.objects.exists()
    assert not Total.objects.exists()
    merge_all()
    assert_true()


def test_a_label_set_that_cannot_be_merged_keeps_no_other_from_it(caplog):
    at = rows.ago(hours=1)
    broken, later = rows.label_set(route="broken"), rows.label_set(route="of a later version")
    for each in (broken, later, rows.label_set(route="fine")):
        rows.measured(at=at, label_set=each)
    Minute.objects.filter(label_set=broken).update(buckets=b"\x80")
    LabelSet.objects.filter(pk=later.pk).update(kind="sketch")
    merge_all()
    assert not Unmerged.objects.exists()
    assert {row.label_set.labels["route"] for row in Rollup.objects.all()} == {"fine"}
    for each in (broken, later):
        assert f"the label set {each.pk} can't be merged" in caplog.text


@pytest.mark.parametrize("seed", range(3))
def test_percentiles_of_merged_buckets_are_within_1_percent_of_the_exact_ones(seed):
    choice = random.Random(seed)
    start = HOUR.floor(rows.ago(hours=2))
    exact: list[float] = []
    written = []
    for minutes in range(60):
        for source in crowd():
            values = [choice.lognormvariate(-3, 1) for _ in range(choice.randint(1, 40))]
            exact += values
            at = start + minutes * MINUTE.step
            written.append(
                rows.minute(at=at, label_set=rows.label_set(), source=source, values=values)
            )
    rows.write(written)
    merge_all()
    found = Rollup.objects.get(resolution=3600, node="")
    for name, share in truth.PERCENTILES.items():
        assert getattr(found, name) == pytest.approx(exact_percentile(exact, share), rel=0.01)


def exact_percentile(values: list[float], share: float) -> float:
    return float(numpy.quantile(values, share))


@pytest.mark.parametrize(
    ("kind", "whole", "alone"),
    [
        (Kind.GAUGE, (7.0, 7.0), (1.0, 3.0)),
        (Kind.MEAN_GAUGE, (1.0, 6.0), (1.0, 3.0)),
    ],
)
def test_gauges_add_up_or_are_averaged_over_nodes_and_processes(kind, whole, alone):
    at = FIVE_MINUTES.floor(rows.ago(hours=1))
    here, there = rows.source(1, node="here"), rows.source(1, node="there")
    given = {"kind": kind, "weight": 60.0}
    rows.measured(at=at, source=here, sum=120.0, low=1.0, high=3.0, **given)
    rows.measured(at=at, source=there, sum=300.0, low=4.0, high=6.0, **given)
    merge_all()
    found = {row.node: row for row in Rollup.objects.filter(resolution=300)}
    assert (found["here"].low, found["here"].high) == alone
    assert (found[""].low, found[""].high) == whole
    mean = found[""].sum / found[""].weight
    assert mean == (7.0 if kind is Kind.GAUGE else 3.5)
    assert_true()
