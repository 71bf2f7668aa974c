"""What was measured in one bucket, and the value that a series has there."""

from __future__ import annotations

from dataclasses import dataclass

from core.metrics.instruments import Kind
from core.metrics.series import PERCENTILES, Series


@dataclass(frozen=True, slots=True)
class Figures:
    """The columns of `core.metrics.models.Measured`, with the percentiles of the buckets."""

    count: int
    sum: float
    weight: float
    low: float | None
    high: float | None
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None

    @property
    def mean(self) -> float | None:
        """Of a histogram's values."""
        return self.sum / self.count if self.count else None

    @property
    def level(self) -> float | None:
        """The mean of a gauge over time."""
        return self.sum / self.weight if self.weight else None

    def of(self, series: Series, *, seconds: float | None) -> float | None:
        """The series' value, for all statistics but ratios; None where there is none.

        `seconds` is how much of the bucket rates are spread over, None when too little of it
        has been measured to speak of a rate."""
        match series.statistic:
            case "rate":
                grown = self.count if series.instrument.kind is Kind.HISTOGRAM else self.sum
                return grown / seconds if seconds else None
            case "total":
                return self.sum
            case "count":
                return float(self.count)
            case "mean":
                return self.level if series.instrument.is_gauge else self.mean
            case "min":
                return self.low
            case "max":
                return self.high
        percentiles = dict(zip(PERCENTILES, (self.p50, self.p95, self.p99), strict=True))
        return percentiles[series.statistic]


NOTHING = Figures(count=0, sum=0.0, weight=0.0, low=None, high=None)


def ratio(part: Figures | None, whole: Figures) -> float | None:
    """The sum of a counter to the count of a histogram: nothing counted is none of them."""
    if not whole.count:
        return None
    return part.sum / whole.count if part else 0.0
