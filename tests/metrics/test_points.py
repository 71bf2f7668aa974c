"""Points against brute force over the values themselves."""

from __future__ import annotations

from datetime import datetime, timedelta
from threading import Thread

import pytest
from django.db import connection
from django.utils import timezone

from core.metrics import queries
from core.metrics.models import Unmerged
from core.metrics.resolutions import DAY, HOUR, MINUTE, RESOLUTIONS, Resolution
from core.metrics.series import PERCENTILES, Series
from tests.metrics.expected import EXACT, PERCENT, STATISTICS
from tests.metrics.measured import (
    FAILED,
    LATENCY,
    ONE,
    SHARE,
    TWO,
    Measured,
    Value,
    series,
    values,
)
from tests.metrics.merged import merge

pytestmark = pytest.mark.django_db


def agree(measured: Measured, resolution: Resolution, start: datetime, end: datetime) -> None:
    asked_series = [series(instrument, statistic) for instrument, statistic, _ in STATISTICS]
    found = queries.points(series=asked_series, start=start, end=end, resolution=resolution)
    for one, (instrument, statistic, truth) in zip(asked_series, STATISTICS, strict=True):
        wanted = [
            {"timestamp": at, "value": truth(seen, resolution.seconds)}
            for at, seen in measured.buckets(instrument, start, end, resolution).items()
        ]
        places = [each["timestamp"] for each in wanted]
        assert [each["timestamp"] for each in found[one.name]] == places, one.name
        error = PERCENT if statistic in PERCENTILES else EXACT
        for point, true in zip(found[one.name], wanted, strict=True):
            assert point == {**true, "value": pytest.approx(true["value"], rel=error)}, one.name


def agree_on_ranges(measured: Measured, begin: datetime) -> None:
    """A range of whole buckets, one with edges in the middle of buckets, one of a moment."""
    for start, length in ((0, 240), (7, 92), (61, 0.5)):
        asked = begin + timedelta(minutes=start)
        for resolution in RESOLUTIONS:
            agree(measured, resolution, asked, asked + timedelta(minutes=length))


def test_points_are_right_whatever_is_merged(measured, begin):
    measured.add(values(begin, minutes=120))
    agree_on_ranges(measured, begin)
    merge(every=3)
    agree_on_ranges(measured, begin)
    merge()
    agree_on_ranges(measured, begin)
    measured.add(values(begin + timedelta(minutes=68), seed=2, minutes=2))
    agree_on_ranges(measured, begin)
    merge()
    agree_on_ranges(measured, begin)


def test_where_nothing_was_measured_there_is_no_point(measured, begin):
    asked = [series(instrument, statistic) for instrument, statistic, _ in STATISTICS]
    day = {"start": begin, "end": begin + DAY.step, "resolution": HOUR}
    nothing = {each.name: [] for each in asked}
    assert queries.points(series=asked, **day) == nothing
    measured.add(values(begin + 30 * HOUR.step, minutes=10))
    merge()
    assert queries.points(series=asked, **day) == nothing
    assert queries.points(series=[], **day) == {}


def test_the_rate_of_the_newest_bucket_is_over_what_is_known_of_it(measured, begin):
    rate = series(LATENCY, "rate")
    measured.add(Value(LATENCY, ONE, begin, 0.1, ("/a", "200")) for _ in range(30))
    day = {"series": [rate], "start": begin, "end": begin + DAY.step}

    def rates() -> list[float]:
        found = [queries.points(**day, resolution=each)[rate.name] for each in (MINUTE, HOUR)]
        return [point["value"] for points in found for point in points]

    measured.flushed(begin + timedelta(seconds=15))
    assert rates() == [30 / 15, 30 / 15]
    measured.flushed(begin + timedelta(seconds=120))
    assert rates() == [30 / 60, 30 / 120]
    measured.flushed(begin + HOUR.step)
    assert rates() == [30 / 60, 30 / 3600]
    measured.flushed(begin + timedelta(seconds=0.2))
    assert rates() == []  # of so short a time it would say nothing


def test_a_process_whose_clock_is_ahead_does_not_make_an_open_bucket_whole(measured):
    now = timezone.now()
    begin = DAY.floor(now)
    measured.add(Value(LATENCY, ONE, begin, 0.1, ("/a", "200")) for _ in range(30))
    measured.flushed(now + timedelta(days=3))
    rate = series(LATENCY, "rate")
    found = queries.points(series=[rate], start=begin, end=now, resolution=DAY)
    [today] = found[rate.name]
    assert today["value"] == pytest.approx(30 / (now - begin).total_seconds(), rel=0.01)


def test_a_percentile_of_an_open_bucket_is_of_all_that_is_known(measured, begin):
    """An hour of which three quarters are merged, the last of them with a late minute."""
    everything = values(begin, minutes=50)
    measured.add(everything[:-300])
    merge()
    measured.add(everything[-300:])
    agree(measured, HOUR, begin, begin + HOUR.step)


def test_a_ratio_is_nothing_where_nothing_was_counted_and_absent_where_nothing_happened(
    measured, begin
):
    share = Series("failed", FAILED, "ratio", "percent", "", factor=100, per=LATENCY)
    minute = timedelta(minutes=1)
    measured.add(
        [
            *(Value(LATENCY, ONE, begin, 0.1, ("/a", "200")) for _ in range(3)),
            *(Value(LATENCY, TWO, begin + 2 * minute, 0.1, ("/a", "500")) for _ in range(8)),
            *(Value(FAILED, TWO, begin + 2 * minute, 1, ("500",)) for _ in range(2)),
            Value(FAILED, ONE, begin + 4 * minute, 1, ("500",)),
        ]
    )
    asked = {"series": [share], "start": begin, "end": begin + HOUR.step}
    found = queries.points(**asked, resolution=MINUTE)["failed"]
    assert found == [
        {"timestamp": begin, "value": 0.0},
        {"timestamp": begin + 2 * minute, "value": 25.0},
    ]
    merge()
    [hour] = queries.points(**asked, resolution=HOUR)["failed"]
    assert hour["value"] == pytest.approx(100 * 3 / 11)


def test_a_gauge_that_was_measured_for_no_time_has_no_mean(measured, begin):
    measured.add([Value(SHARE, ONE, begin, 50, (), 0.0)])
    share = series(SHARE, "mean")
    found = queries.points(series=[share], start=begin, end=begin + HOUR.step, resolution=MINUTE)
    assert found == {share.name: []}


def test_a_factor_multiplies_what_is_told(measured, begin):
    measured.add([Value(LATENCY, ONE, begin, 0.25, ("/a", "200"))])
    in_milliseconds = series(LATENCY, "mean", factor=1000)
    found = queries.points(
        series=[in_milliseconds], start=begin, end=begin + HOUR.step, resolution=HOUR
    )
    assert found[in_milliseconds.name] == [{"timestamp": begin, "value": 250.0}]


def test_a_question_is_three_queries_however_much_it_is_about(
    measured, begin, django_assert_num_queries
):
    every = [series(instrument, statistic) for instrument, statistic, _ in STATISTICS]
    measured.add(values(begin, minutes=100))
    merge(every=2)
    for resolution in RESOLUTIONS:
        for length in (1, 600):
            end = begin + timedelta(minutes=length)
            with django_assert_num_queries(3):
                queries.points(series=every, start=begin, end=end, resolution=resolution)


@pytest.mark.django_db(transaction=True)
def test_an_answer_is_the_same_while_things_are_merged(measured, begin):
    count = series(LATENCY, "count")
    measured.add(values(begin, minutes=240))
    wanted = sum(each.instrument is LATENCY for each in measured.values)

    def merge_all() -> None:
        merge()
        connection.close()

    def counted(resolution: Resolution) -> float:
        found = queries.points(
            series=[count], start=begin, end=begin + DAY.step, resolution=resolution
        )
        return sum(each["value"] for each in found[count.name])

    merger = Thread(target=merge_all)
    merger.start()
    answers = []
    while merger.is_alive():
        answers += [counted(resolution) for resolution in RESOLUTIONS]
    merger.join()
    assert answers
    assert set(answers) == {wanted}
    assert not Unmerged.objects.exists()
