"""Reading the metrics."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from core.metrics.histogram import Distribution, decode
from core.metrics.models import LabelSet, Minute
from core.metrics.ranges import (
    MOST_POINTS,
    checked_range,
    checked_resolution,
    default_resolution,
)
from core.metrics.resolutions import Resolution
from core.metrics.series import PERCENTILES, Series

__all__ = [
    "MOST_POINTS",
    "Points",
    "checked_range",
    "checked_resolution",
    "default_resolution",
    "points",
]


class Points(dict[str, list[dict[str, Any]]]):
    """The points of each series, by its name. `left_out` is, by the same names, how many groups
    there are beyond the MOST_GROUPS that are told; series without such are not in it."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.left_out: dict[str, int] = {}


def points(
    *,
    series: Sequence[Series],
    start: datetime,
    end: datetime,
    resolution: Resolution,
    group_by: str | None = None,
) -> Points:
    """Each series by its name: points of `timestamp` (the start of the bucket), `value` and,
    when grouped, `group`; ordered by group and time.

    The buckets are those that begin in the range, from the one on that `start` lies in. Where
    nothing was measured there is no point. `group_by` is a label of the instrument, "node", or
    at one minute "process". Raises InvalidInput for a `group_by` that a series doesn't have.
    """
    found = Points((each.name, []) for each in series)
    for each in series:
        label_sets = LabelSet.objects.filter(instrument=each.instrument.name, labels={})
        buckets: dict[datetime, Distribution] = defaultdict(Distribution)
        rows = Minute.objects.filter(
            label_set__in=label_sets, at__gte=resolution.floor(start), at__lt=end
        )
        for at, count, total, weight, low, high, written in rows.values_list(
            "at", "count", "sum", "weight", "low", "high", "buckets"
        ):
            buckets[resolution.floor(at)].merge(
                Distribution(
                    count, total, low or 0.0, high or 0.0, decode(written) if written else {}
                )
            )
        for at, seen in sorted(buckets.items()):
            if each.statistic in PERCENTILES:
                value = seen.quantile(PERCENTILES[each.statistic])
            elif each.statistic == "rate":
                value = (seen.count or seen.sum) / resolution.seconds
            else:
                value = seen.sum / seen.count
            found[each.name].append({"timestamp": at, "value": value * each.factor})
    return found
