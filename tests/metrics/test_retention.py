"""Metrics go when their time is over: minutes by the day, rollups by their resolution."""

from __future__ import annotations

from datetime import datetime, timedelta
from time import monotonic

import pytest
from django.db import connection
from django.db.models.functions import Now

from core import options
from core.metrics import merging, partitions, retention
from core.metrics.models import LabelSet, Minute, Rollup, Source, Total
from core.metrics.resolutions import DAY, FIVE_MINUTES, HOUR, QUARTER, ROLLUPS, Resolution
from core.retention import rules
from tests.metrics import rows

pytestmark = pytest.mark.django_db

MANY = """
    INSERT INTO metrics_rollup
        (label_set_id, resolution, node, at, count, sum, weight, buckets)
    SELECT label_set, 300, node, now() - make_interval(days => 20, mins => 5 * number),
        1, 1.0, 0.0, sha512('')
    FROM generate_series(1, 100) AS label_set, unnest(ARRAY['', 'here']) AS node,
        generate_series(1, 1000) AS number
"""


def rollup(at: datetime, resolution: Resolution) -> None:
    Rollup.objects.create(
        label_set=rows.label_set(), resolution=resolution.seconds, node="",
        at=resolution.floor(at), count=1, sum=1.0,
    )  # fmt: skip


def expire(resolution: Resolution) -> int:
    return rules.get(f"metrics.rollups_{resolution}").delete_batch().rows


def left(resolution: Resolution) -> int:
    return Rollup.objects.filter(resolution=resolution.seconds).count()


@pytest.mark.option("metrics.keep_1m_hours")
def test_how_long_minutes_are_kept_can_be_changed():
    at = rows.ago(days=3)
    with rows.kept(hours=24 * 4):
        rows.measured(at=at)
        merging.merge()
        retention.drop_minutes()
        assert Minute.objects.filter(at=at).exists()
    with rows.kept(hours=24):
        retention.drop_minutes()
    assert not Minute.objects.exists()


def changed(key: str, resolution: Resolution, *, days: int) -> None:
    """What is older by a day than the option says goes, what is younger stays."""
    rollup(rows.ago(days=days + 2), resolution)
    rollup(rows.ago(days=days - 1), resolution)
    assert expire(resolution) == 0
    with options.replaced({key: days}):
        assert expire(resolution) == 1
    assert left(resolution) == 1


@pytest.mark.option("metrics.keep_5m_days")
def test_how_long_five_minutes_are_kept_can_be_changed():
    changed("metrics.keep_5m_days", FIVE_MINUTES, days=5)


@pytest.mark.option("metrics.keep_15m_days")
def test_how_long_quarters_are_kept_can_be_changed():
    changed("metrics.keep_15m_days", QUARTER, days=5)


@pytest.mark.option("metrics.keep_1h_days")
def test_how_long_hours_are_kept_can_be_changed():
    changed("metrics.keep_1h_days", HOUR, days=50)


@pytest.mark.option("metrics.keep_1d_days")
def test_how_long_days_are_kept_can_be_changed():
    changed("metrics.keep_1d_days", DAY, days=50)


def test_every_resolution_is_kept_as_long_as_it_says():
    for resolution in ROLLUPS:
        rollup(rows.now() - resolution.kept - timedelta(days=2), resolution)
        rollup(rows.now() - resolution.kept + timedelta(minutes=5), resolution)
    assert [expire(resolution) for resolution in ROLLUPS] == [1] * len(ROLLUPS)
    assert [left(resolution) for resolution in ROLLUPS] == [1] * len(ROLLUPS)


def test_rollups_stay_while_there_are_minutes_that_might_be_merged_again():
    at = DAY.floor(rows.ago(days=5))
    with options.replaced({"metrics.keep_1m_hours": 24 * 14, "metrics.keep_5m_days": 2}):
        rows.measured(at=at)
        while merging.merge():
            pass
        assert expire(FIVE_MINUTES) == 0
        rows.measured(at=at + timedelta(minutes=5), values=[2.0])
        while merging.merge():
            pass
    assert Rollup.objects.get(resolution=DAY.seconds, node="").count == 2
    with options.replaced({"metrics.keep_1m_hours": 24, "metrics.keep_5m_days": 2}):
        retention.drop_minutes()
        assert expire(FIVE_MINUTES) > 0


def test_hundreds_of_thousands_of_rollups_go_in_seconds():
    with connection.cursor() as cursor:
        cursor.execute(MANY)
    rule = rules.get("metrics.rollups_5m")
    began = monotonic()
    first = rule.delete_batch()
    assert (first.rows, first.size > 64_000) == (1000, True)
    while rule.delete_batch().rows:
        continue
    assert monotonic() - began < 30  # 3 s on two idle cores; a row at a time takes minutes
    assert not Rollup.objects.exists()


def test_label_sets_of_which_nothing_is_left_go_with_their_totals():
    at = rows.ago(days=1)
    used = rows.label_set(route="used")
    rows.measured(at=at, label_set=used)
    while merging.merge():
        pass
    unmerged, unused = rows.label_set(route="unmerged"), rows.label_set(route="unused")
    rows.measured(at=rows.ago(), label_set=unmerged)
    Total.objects.create(label_set=unused, count=1, sum_billionths=1)
    assert rules.get("metrics.label_sets").delete_batch().rows == 0  # they are new
    LabelSet.objects.update(created_at=Now() - timedelta(days=2))
    assert rules.get("metrics.label_sets").delete_batch().rows == 1
    assert set(LabelSet.objects.all()) == {used, unmerged}
    assert list(Total.objects.values_list("label_set", flat=True)) == [used.pk]


def test_sources_go_after_all_that_they_wrote():
    at = rows.ago(days=4)
    source = rows.source(1)
    with rows.kept(hours=24 * 7):
        rows.measured(at=at, source=source)
    Source.objects.filter(pk=source.pk).update(flushed_until=at + timedelta(minutes=1))
    living = rows.source(2)
    assert rules.get("metrics.sources").delete_batch().rows == 0  # not merged yet, so not dropped
    while merging.merge():
        pass
    retention.drop_minutes()
    assert partitions.days() == []
    assert rules.get("metrics.sources").delete_batch().rows == 1
    assert list(Source.objects.all()) == [living]
