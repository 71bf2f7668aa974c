"""Points against brute force over the values themselves."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random

import pytest
from django.utils import timezone

from core import options
from core.metrics import queries
from core.metrics.histogram import RELATIVE_ERROR
from core.metrics.instruments import Instrument
from core.metrics.resolutions import DAY, HOUR, RESOLUTIONS, Resolution
from core.metrics.series import PERCENTILES, Series
from tests.metrics.measured import (
    FAILED,
    LATENCY,
    MEMORY,
    ONE,
    SHARE,
    THREE,
    TWO,
    WORKER,
    Measured,
    Value,
    exact,
)
from tests.metrics.merged import gauge_totals, merge

pytestmark = pytest.mark.django_db
EXACT = 1e-9
PERCENT = RELATIVE_ERROR * 1.0001


@pytest.fixture(autouse=True)
def long_minutes():
    """So that no minute of a test ends to be kept while it runs."""
    with options.replaced({"metrics.keep_1m_hours": 96}):
        yield


@pytest.fixture
def begin() -> datetime:
    return DAY.floor(timezone.now() - DAY.step)


@pytest.fixture
def measured() -> Measured:
    return Measured()


def series(instrument: Instrument, statistic: str, **more) -> Series:
    return Series(f"{instrument.name}:{statistic}", instrument, statistic, "", "", **more)


def values(begin: datetime, *, seed: int = 1, minutes: int = 200) -> list[Value]:
    """Some hours of four processes on two nodes, with minutes in which nothing happens."""
    chance = Random(seed)
    made = []
    for number in range(minutes):
        at = begin + timedelta(minutes=number)
        for process in (ONE, TWO, THREE, WORKER):
            if number % 23 in (3, 4) or chance.random() < 0.2:
                continue
            for _ in range(chance.randrange(4)):
                moment = at + timedelta(seconds=chance.uniform(0, 59))
                labels = (chance.choice(["/a", "/b"]), chance.choice(["200", "404", "500"]))
                duration = chance.lognormvariate(-3, 1)
                made.append(Value(LATENCY, process, moment, duration, labels))
                if labels[1] != "200":
                    made.append(Value(FAILED, process, moment, 1, labels[1:]))
            for half in range(2):
                moment = at + timedelta(seconds=30 * half)
                made += (
                    Value(MEMORY, process, moment, chance.uniform(1e8, 2e8), (process.role,), 30),
                    Value(SHARE, process, moment, chance.uniform(0, 100), (), 30),
                )
    return made


def mean(found: list[Value]) -> float:
    return sum(each.value for each in found) / len(found)


def mean_total(found: list[Value]) -> float:
    seconds = sum(longest for _, _, longest in gauge_totals(found))
    return sum(each.value * each.seconds for each in found) / seconds


def mean_share(found: list[Value]) -> float:
    return sum(each.value * each.seconds for each in found) / sum(each.seconds for each in found)


Truth = Callable[[list[Value], float], float]
STATISTICS: list[tuple[Instrument, str, Truth]] = [
    (LATENCY, "mean", lambda found, seconds: mean(found)),
    (LATENCY, "rate", lambda found, seconds: len(found) / seconds),
    (LATENCY, "count", lambda found, seconds: len(found)),
    (LATENCY, "min", lambda found, seconds: min(each.value for each in found)),
    (LATENCY, "max", lambda found, seconds: max(each.value for each in found)),
    (LATENCY, "p50", lambda found, seconds: exact(found, 0.50)),
    (LATENCY, "p95", lambda found, seconds: exact(found, 0.95)),
    (LATENCY, "p99", lambda found, seconds: exact(found, 0.99)),
    (FAILED, "rate", lambda found, seconds: len(found) / seconds),
    (FAILED, "total", lambda found, seconds: len(found)),
    (MEMORY, "mean", lambda found, seconds: mean_total(found)),
    (MEMORY, "min", lambda found, seconds: min(low for low, _, _ in gauge_totals(found))),
    (MEMORY, "max", lambda found, seconds: max(high for _, high, _ in gauge_totals(found))),
    (SHARE, "mean", lambda found, seconds: mean_share(found)),
    (SHARE, "min", lambda found, seconds: min(each.value for each in found)),
    (SHARE, "max", lambda found, seconds: max(each.value for each in found)),
]  # fmt: skip


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


def agree_on_ranges(measured: Measured, resolution: Resolution, begin: datetime) -> None:
    """A range of whole buckets, one with edges in the middle of buckets, one of a moment."""
    for start, length in ((0, 240), (7, 92), (61, 0.5)):
        asked = begin + timedelta(minutes=start)
        agree(measured, resolution, asked, asked + timedelta(minutes=length))


@pytest.mark.parametrize("resolution", RESOLUTIONS, ids=str)
def test_points_are_right_whatever_is_merged(measured, begin, resolution):
    measured.add(values(begin))
    agree_on_ranges(measured, resolution, begin)
    merge(measured, every=3)
    agree_on_ranges(measured, resolution, begin)
    merge(measured)
    agree_on_ranges(measured, resolution, begin)
    late = begin + timedelta(minutes=68)
    measured.add(values(late, seed=2, minutes=2))
    agree_on_ranges(measured, resolution, begin)


def test_where_nothing_was_measured_there_is_no_point(measured, begin):
    asked = [series(instrument, statistic) for instrument, statistic, _ in STATISTICS]
    day = {"start": begin, "end": begin + DAY.step, "resolution": HOUR}
    nothing = {each.name: [] for each in asked}
    assert queries.points(series=asked, **day) == nothing
    measured.add(values(begin + 30 * HOUR.step, minutes=10))
    merge(measured)
    assert queries.points(series=asked, **day) == nothing
    assert queries.points(series=[], **day) == {}
