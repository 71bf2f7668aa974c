"""What rollups and totals must be: computed from all minutes at once, in the plainest way."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime
from typing import Any

import numpy
import pytest

from core.metrics.histogram import decode, middle
from core.metrics.instruments import Kind
from core.metrics.models import Minute, Rollup
from core.metrics.resolutions import ROLLUPS

Key = tuple[int, int, str, datetime]
PERCENTILES = {"p50": 0.50, "p95": 0.95, "p99": 0.99}


def expected() -> dict[Key, dict[str, Any]]:
    """The columns of each rollup, by label set, resolution, node and time."""
    buckets: dict[Key, list[Minute]] = defaultdict(list)
    for minute in Minute.objects.select_related("label_set", "source"):
        for resolution in ROLLUPS:
            for node in ("", minute.source.node):
                at = resolution.floor(minute.at)
                buckets[minute.label_set_id, resolution.seconds, node, at].append(minute)
    return {key: merged(minutes) for key, minutes in buckets.items()}


def stored() -> dict[Key, dict[str, Any]]:
    return {
        (row.label_set_id, row.resolution, row.node, row.at): {
            "count": row.count, "sum": row.sum, "weight": row.weight,
            "low": row.low, "high": row.high,
            "buckets": decode(row.buckets) if row.buckets else {},
            "p50": row.p50, "p95": row.p95, "p99": row.p99,
        }
        for row in Rollup.objects.all()
    }  # fmt: skip


def merged(minutes: list[Minute]) -> dict[str, Any]:
    buckets: Counter[int] = Counter()
    for each in minutes:
        buckets.update(decode(each.buckets) if each.buckets else {})
    lows = [each.low for each in minutes if each.low is not None]
    highs = [each.high for each in minutes if each.high is not None]
    weight = sum(each.weight for each in minutes)
    if minutes[0].label_set.kind == Kind.GAUGE:
        lows, highs, weight = of_a_sum(minutes)
    low, high = min(lows, default=None), max(highs, default=None)
    return {
        "count": sum(each.count for each in minutes),
        "sum": pytest.approx(sum(each.sum for each in minutes), rel=1e-12),
        "weight": pytest.approx(weight, rel=1e-12),
        "low": low if low is None else pytest.approx(low, rel=1e-12),
        "high": high if high is None else pytest.approx(high, rel=1e-12),
        "buckets": dict(buckets),
        **{name: percentile(buckets, share, low, high) for name, share in PERCENTILES.items()},
    }


def of_a_sum(minutes: list[Minute]) -> tuple[list[float], list[float], float]:
    """Of a gauge that adds up: the least and most of each minute, and the time it was measured."""
    beside: dict[datetime, list[Minute]] = defaultdict(list)
    for each in minutes:
        beside[each.at].append(each)
    lows, highs, weight = [], [], 0.0
    for group in beside.values():
        longest = max(each.weight for each in group)
        mean = sum(each.sum for each in group) / longest
        lows.append(group[0].low if len(group) == 1 else mean)
        highs.append(group[0].high if len(group) == 1 else mean)
        weight += longest
    return lows, highs, weight


def percentile(buckets: Counter[int], share: float, low: float | None, high: float | None) -> Any:
    """Between neighbours in proportion; the first and the last are known exactly."""
    ranked = [min(max(middle(each), low), high) for each in sorted(buckets.elements())]
    if not ranked:
        return None
    ranked[0], ranked[-1] = (high, high) if len(ranked) == 1 else (low, high)
    return pytest.approx(float(numpy.quantile(ranked, share)), rel=1e-12)


def total(minutes: list[Minute]) -> tuple[int, Any, dict[int, int]]:
    """The count, sum and buckets of all minutes."""
    buckets: Counter[int] = Counter()
    for each in minutes:
        buckets.update(decode(each.buckets) if each.buckets else {})
    sum_ = pytest.approx(sum(each.sum for each in minutes), rel=1e-9, abs=1e-6)
    return sum(each.count for each in minutes), sum_, dict(buckets)
