"""What statistics have to say, straight from the values."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime

import numpy

from core.metrics.histogram import RELATIVE_ERROR
from core.metrics.instruments import Instrument
from core.metrics.resolutions import MINUTE
from tests.metrics.measured import FAILED, LATENCY, MEMORY, SHARE, Process, Value

EXACT = 1e-9
PERCENT = RELATIVE_ERROR * 1.0001


def exact(values: Iterable[Value], share: float) -> float:
    """The quantile of the values themselves."""
    return float(numpy.quantile([each.value for each in values], share))


def gauge_totals(values: Iterable[Value]) -> list[tuple[float, float, float]]:
    """Of a gauge that adds up, by minute: the least and most of the sum over processes, which
    are known of a single process only, and the seconds it holds for."""
    minutes: dict[datetime, dict[Process, list[Value]]] = defaultdict(lambda: defaultdict(list))
    for each in values:
        minutes[MINUTE.floor(each.at)][each.process].append(each)
    found = []
    for processes in minutes.values():
        longest = max(sum(each.seconds for each in one) for one in processes.values())
        everything = [each for one in processes.values() for each in one]
        if len(processes) == 1:
            heights = [each.value for each in everything]
        else:
            heights = [sum(each.value * each.seconds for each in everything) / longest]
        found.append((min(heights), max(heights), longest))
    return found


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
