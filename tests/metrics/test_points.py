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
from core.metrics.resolutions import DAY, RESOLUTIONS, Resolution
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
    totals,
)

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
    parts = list(totals(found))
    return sum(total * seconds for total, seconds in parts) / sum(seconds for _, seconds in parts)


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
    (SHARE, "mean", lambda found, seconds: mean_share(found)),
    (SHARE, "min", lambda found, seconds: min(each.value for each in found)),
    (SHARE, "max", lambda found, seconds: max(each.value for each in found)),
]  # fmt: skip


def agree(
    measured: Measured, resolution: Resolution, start: datetime, end: datetime, **asked
) -> None:
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


@pytest.mark.parametrize("resolution", RESOLUTIONS, ids=str)
def test_points_are_right_before_anything_is_merged(measured, begin, resolution):
    measured.add(values(begin))
    agree(measured, resolution, begin, begin + timedelta(hours=4))
    agree(measured, resolution, begin + timedelta(minutes=7), begin + timedelta(minutes=99))
