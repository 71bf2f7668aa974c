"""Which times can be asked for, in which resolution, and which buckets make up a range."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from random import Random

import pytest
from django.utils import timezone as django_timezone

from core import options
from core.errors import InvalidInput
from core.metrics import ranges
from core.metrics.resolutions import (
    DAY,
    FIVE_MINUTES,
    HOUR,
    MINUTE,
    QUARTER,
    RESOLUTIONS,
    Resolution,
)
from core.metrics.spans import cover, cut

NOW = datetime(2026, 3, 29, 12, 34, 56, tzinfo=UTC)  # in much of Europe a day of 23 hours
HOURS = timedelta(hours=1)
DAYS = timedelta(days=1)


@pytest.fixture
def now(monkeypatch) -> datetime:
    monkeypatch.setattr(django_timezone, "now", lambda: NOW)
    return NOW


@pytest.mark.parametrize(
    ("length", "resolution"),
    [
        (timedelta(seconds=1), MINUTE),
        (HOURS, MINUTE),
        (24 * HOURS, MINUTE),
        (26 * HOURS, FIVE_MINUTES),
        (5 * DAYS, FIVE_MINUTES),
        (6 * DAYS, QUARTER),
        (15 * DAYS, QUARTER),
        (30 * DAYS, HOUR),
        (62 * DAYS, HOUR),
        (63 * DAYS, DAY),
        (1499 * DAYS, DAY),
    ],
    ids=str,
)
def test_the_default_is_the_finest_that_gives_few_enough_points(now, length, resolution):
    chosen = ranges.default_resolution(now - length, now)
    assert chosen is resolution
    points = (chosen.ceil(now) - chosen.floor(now - length)) // chosen.step
    assert points <= ranges.MOST_POINTS


@pytest.mark.parametrize(
    ("ago", "resolution"),
    [
        (47 * HOURS, MINUTE),
        (49 * HOURS, FIVE_MINUTES),
        (13 * DAYS, FIVE_MINUTES),
        (15 * DAYS, QUARTER),
        (31 * DAYS, HOUR),
        (399 * DAYS, HOUR),
        (402 * DAYS, DAY),
        (9000 * DAYS, DAY),
    ],
    ids=str,
)
def test_the_default_is_one_that_is_still_kept_at_the_start(now, ago, resolution):
    assert ranges.default_resolution(now - ago, now - ago + HOURS) is resolution


@pytest.mark.option("metrics.keep_1m_hours")
def test_the_default_follows_how_long_minutes_are_kept(now):
    with options.replaced({"metrics.keep_1m_hours": 6}):
        assert ranges.default_resolution(now - 7 * HOURS, now - 6 * HOURS) is FIVE_MINUTES
    with options.replaced({"metrics.keep_1m_hours": 8}):
        assert ranges.default_resolution(now - 7 * HOURS, now - 6 * HOURS) is MINUTE


@pytest.mark.option("metrics.keep_5m_days")
def test_the_default_follows_how_long_five_minutes_are_kept(now):
    with options.replaced({"metrics.keep_5m_days": 2}):
        assert ranges.default_resolution(now - 3 * DAYS, now) is QUARTER
    assert ranges.default_resolution(now - 3 * DAYS, now) is FIVE_MINUTES


@pytest.mark.option("metrics.keep_15m_days")
def test_the_default_follows_how_long_quarters_are_kept(now):
    with options.replaced({"metrics.keep_15m_days": 3}):
        assert ranges.default_resolution(now - 14 * DAYS, now) is HOUR
    assert ranges.default_resolution(now - 14 * DAYS, now) is QUARTER


@pytest.mark.option("metrics.keep_1h_days")
def test_the_default_follows_how_long_hours_are_kept(now):
    with options.replaced({"metrics.keep_1h_days": 7}):
        assert ranges.default_resolution(now - 30 * DAYS, now) is DAY
    assert ranges.default_resolution(now - 30 * DAYS, now) is HOUR


def test_no_resolution_makes_few_enough_points_of_a_lifetime(now):
    with pytest.raises(InvalidInput) as refused:
        ranges.default_resolution(now - 2000 * DAYS, now)
    assert [each.field for each in refused.value.details] == ["start_time"]


def test_more_points_than_an_answer_holds_are_refused(now):
    start = now - 26 * HOURS
    with pytest.raises(InvalidInput, match="1,561 points at 1m") as refused:
        ranges.checked_resolution("1m", start=start, end=now)
    assert [each.field for each in refused.value.details] == ["resolution"]
    assert ranges.checked_resolution("5m", start=start, end=now) is FIVE_MINUTES
    assert ranges.checked_resolution(None, start=start, end=now) is FIVE_MINUTES


def test_an_unknown_resolution_is_told_the_known_ones(now):
    with pytest.raises(InvalidInput, match="1m, 5m, 15m, 1h, 1d") as refused:
        ranges.checked_resolution("2m", start=now - HOURS, end=now)
    assert [each.field for each in refused.value.details] == ["resolution"]


def test_without_times_the_range_ends_now(now):
    assert ranges.checked_range(start=None, end=None, default=HOURS) == (now - HOURS, now)
    end = now - DAYS
    assert ranges.checked_range(start=None, end=end, default=HOURS) == (end - HOURS, end)
    assert ranges.checked_range(start=end, end=None, default=HOURS) == (end, now)


def test_times_are_taken_from_any_zone_to_utc(now):
    local = now.astimezone(timezone(timedelta(hours=-9, minutes=30)))
    start, _ = ranges.checked_range(start=local - HOURS, end=None, default=HOURS)
    assert (start, start.tzinfo) == (now - HOURS, UTC)


@pytest.mark.parametrize(
    ("start", "end", "field", "code"),
    [
        (NOW.replace(tzinfo=None), None, "start_time", "no_time_zone"),
        (None, NOW.replace(tzinfo=None), "end_time", "no_time_zone"),
        (NOW, NOW, "end_time", "not_after_start"),
        (NOW, NOW - HOURS, "end_time", "not_after_start"),
        (NOW + HOURS, None, "end_time", "not_after_start"),
        (datetime.min.replace(tzinfo=UTC), None, "start_time", "out_of_range"),
        (None, datetime.max.replace(tzinfo=timezone(-HOURS)), "end_time", "out_of_range"),
        (datetime.min.replace(tzinfo=timezone(HOURS)), None, "start_time", "out_of_range"),
    ],
)
def test_times_that_make_no_range_are_refused(now, start, end, field, code):
    with pytest.raises(InvalidInput) as refused:
        ranges.checked_range(start=start, end=end, default=HOURS)
    assert [(each.field, each.code) for each in refused.value.details] == [(field, code)]


def unmerged(chance: Random, start: datetime, end: datetime) -> list[datetime]:
    number = (end - start) // FIVE_MINUTES.step
    places = sorted(chance.sample(range(number), min(number, chance.randrange(6))))
    return [FIVE_MINUTES.ceil(start) + place * FIVE_MINUTES.step for place in places]


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("largest", RESOLUTIONS, ids=str)
def test_spans_are_the_whole_range_once_and_of_merged_buckets_only(seed, largest: Resolution):
    chance = Random(seed)
    start = MINUTE.floor(NOW - timedelta(minutes=chance.randrange(60, 2500)))
    end = MINUTE.floor(start + timedelta(minutes=chance.randrange(1, 2500)))
    marks = unmerged(chance, start, end)
    spans = cover(start, end, largest=largest, unmerged=marks)
    assert [start, *(each.end for each in spans)] == [*(each.start for each in spans), end]
    for each in spans:
        bounds = (each.start, each.end)
        assert each.start < each.end
        assert tuple(map(each.resolution.floor, bounds)) == bounds
        assert each.resolution.seconds <= largest.seconds
        if each.resolution is not MINUTE:
            assert not any(each.start <= mark < each.end for mark in marks)


def test_a_year_is_some_days_and_finer_edges():
    start, end = datetime(2025, 3, 29, 10, 7, tzinfo=UTC), datetime(2026, 3, 29, 12, 36, tzinfo=UTC)
    spans = cover(start, end, largest=DAY, unmerged=[])
    assert [
        (str(each.resolution), (each.end - each.start) // each.resolution.step) for each in spans
    ] == [
        ("1m", 3), ("5m", 1), ("15m", 3), ("1h", 13), ("1d", 364),
        ("1h", 12), ("15m", 2), ("5m", 1), ("1m", 1),
    ]  # fmt: skip


def test_around_what_is_unmerged_the_largest_whole_buckets_are_used():
    start = DAY.floor(NOW - 40 * DAYS)
    unmerged = [start + 6 * HOURS]
    spans = cover(start, start + 2 * DAYS, largest=DAY, unmerged=unmerged)
    assert [str(each.resolution) for each in spans] == ["1h", "1m", "5m", "15m", "1h", "1d"]
    assert spans[1].start == unmerged[0]
    assert spans[1].end == unmerged[0] + FIVE_MINUTES.step


def test_a_resolution_that_is_kept_for_less_than_a_finer_one_is_not_relied_on():
    start = DAY.floor(NOW - 40 * DAYS)
    with options.replaced({"metrics.keep_15m_days": 3, "metrics.keep_1d_days": 30}):
        spans = cover(start + 10 * MINUTE.step, start + DAYS, largest=DAY, unmerged=[])
    assert [each.resolution for each in spans] == [FIVE_MINUTES, HOUR]


def test_the_edges_of_a_range_are_as_fine_as_what_is_kept_there():
    long_ago = datetime(2025, 12, 1, 10, 7, 30, tzinfo=UTC)
    assert cut(long_ago, NOW, now=NOW) == (HOUR.floor(long_ago), MINUTE.ceil(NOW))
    recent = NOW - 3 * HOURS
    assert cut(recent, NOW, now=NOW) == (MINUTE.floor(recent), MINUTE.ceil(NOW))
    week = NOW - 7 * DAYS
    assert cut(long_ago, week, now=NOW) == (HOUR.floor(long_ago), FIVE_MINUTES.ceil(week))


@pytest.mark.option("metrics.keep_1d_days")
def test_a_range_begins_with_what_is_kept_of_anything(now):
    begin = datetime(1970, 1, 1, tzinfo=UTC)
    with options.replaced({"metrics.keep_1d_days": 500}):
        start, end = cut(begin, datetime(8000, 1, 1, tzinfo=UTC), now=now)
    assert start == DAY.floor(now - 500 * DAYS)
    assert end <= now + 2 * DAYS
