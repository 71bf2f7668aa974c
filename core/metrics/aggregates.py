"""What was measured, merged: one time after another, or several things at one time.

Sums are exact until they are rounded once: in whatever order things are merged, and however
often, the same comes out, and what only grows never falls.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import fsum

from core.metrics.histogram import Buckets, Distribution, decode, encode, merge
from core.metrics.instruments import Kind
from core.metrics.series import PERCENTILES

COLUMNS = ("count", "sum", "weight", "low", "high", "buckets")


@dataclass(slots=True)
class Aggregate:
    """The columns of `core.metrics.models.Measured`, with the buckets decoded."""

    count: int
    sum: float
    weight: float = 0.0
    low: float | None = None
    high: float | None = None
    buckets: Buckets = field(default_factory=dict)

    @classmethod
    def of_row(
        cls,
        count: int,
        sum: float,
        weight: float,
        low: float | None,
        high: float | None,
        buckets: bytes | None,
    ) -> Aggregate:
        """From the values of COLUMNS."""
        return cls(count, sum, weight, low, high, decode(buckets) if buckets else {})

    def encoded(self) -> bytes | None:
        return encode(self.buckets) if self.buckets else None

    def percentiles(self) -> list[float | None]:
        """Those of `series.PERCENTILES`; None for what has no buckets."""
        if not self.buckets or self.low is None or self.high is None:
            return [None] * len(PERCENTILES)
        seen = Distribution(self.count, self.sum, self.low, self.high, self.buckets)
        return seen.quantiles(PERCENTILES.values())


def over_time(parts: Sequence[Aggregate]) -> Aggregate:
    """What was measured at times that follow each other, or that is averaged."""
    if len(parts) == 1:
        return parts[0]
    lows = [each.low for each in parts if each.low is not None]
    highs = [each.high for each in parts if each.high is not None]
    buckets: Buckets = {}
    for each in parts:
        merge(buckets, each.buckets)
    return Aggregate(
        count=sum(each.count for each in parts),
        sum=total(each.sum for each in parts),
        weight=total(each.weight for each in parts),
        low=min(lows, default=None),
        high=max(highs, default=None),
        buckets=buckets,
    )


def at_once(kind: Kind, parts: Sequence[Aggregate], *, seconds: float) -> Aggregate:
    """What was measured at the same time, by several processes or on several nodes, of which
    any was there for `seconds`.

    Of a gauge that adds up, the time is all of that, but no more than was measured: one process
    that takes over from another makes a whole, not a double. What there was of all of them
    together is known as a mean only.
    """
    whole = over_time(parts)
    if kind is Kind.GAUGE and len(parts) > 1:
        longest = max(each.weight for each in parts)
        whole.weight = max(longest, min(whole.weight, seconds))
        whole.low = whole.high = whole.sum / whole.weight if whole.weight else None
    return whole


def total(numbers: Iterable[float]) -> float:
    """The sum, rounded once; of what is too large for that, as well as can be."""
    added = sorted(numbers)
    try:
        return fsum(added)
    except (OverflowError, ValueError):
        return sum(added)
