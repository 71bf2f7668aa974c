"""The charts of the page: which series each shows, and their values in equal steps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import fmean
from typing import Any

from django.utils import timezone

from core.metrics import marks, queries, series, units
from core.metrics.ranges import is_kept, starts_in
from core.metrics.resolutions import (
    DAY,
    FIVE_MINUTES,
    HOUR,
    MINUTE,
    QUARTER,
    RESOLUTIONS,
    Resolution,
)
from core.metrics.series import Series

DIGITS = 5  # of a value on a chart, which has no room for more
Values = list[float | None]  # None where nothing was measured


@dataclass(frozen=True, slots=True)
class Range:
    """What can be looked at: the last `length`, in `resolution`, drawn anew every `refresh`
    seconds."""

    name: str
    title: str
    length: timedelta
    resolution: Resolution
    refresh: int

    def at(self, now: datetime) -> tuple[datetime, datetime, Resolution]:
        """Start, end and the resolution, a coarser one where this is not kept for so long."""
        start = now - self.length
        coarse = RESOLUTIONS[RESOLUTIONS.index(self.resolution) :]
        kept = (each for each in coarse if is_kept(each, start, now=now))
        return start, now, next(kept, coarse[-1])


RANGES = {
    each.name: each
    for each in (
        Range("1h", "1 hour", timedelta(hours=1), MINUTE, 5),
        Range("24h", "24 hours", timedelta(hours=24), FIVE_MINUTES, 30),
        Range("7d", "7 days", timedelta(days=7), QUARTER, 120),
        Range("30d", "30 days", timedelta(days=30), HOUR, 300),
        Range("1y", "1 year", timedelta(days=365), DAY, 600),
    )
}
USUAL = "1h"


@dataclass(frozen=True, slots=True)
class Chart:
    name: str
    title: str
    series: tuple[str, ...]

    @property
    def known(self) -> list[Series]:
        return [series.registry.get(name) for name in self.series if name in series.registry]


CHARTS = (
    Chart("requests", "Requests", ("requests_per_second",)),
    Chart(
        "latency",
        "Response time",
        (
            "response_time_ms",
            "response_time_p50_ms",
            "response_time_p95_ms",
            "response_time_p99_ms",
        ),
    ),
    Chart("errors", "Errors", ("error_percent", "server_error_percent")),
    Chart("processors", "Processors", ("cpu_usage_percent",)),
    Chart("memory", "Memory", ("memory_usage_mb",)),
    Chart("tasks", "Tasks", ("tasks_per_minute",)),
    Chart("network", "Network", ("network_received_mb_per_second", "network_sent_mb_per_second")),
    Chart("disk", "Disk", ("disk_usage_gb",)),
)


def document(chosen: Range, *, with_marks: bool) -> dict[str, Any]:
    """All that the page draws: `charts` with a row of figures for each series, `drawn` for the
    script (seconds since 1970, values in equal steps, null where there are none), `marks`."""
    start, end, resolution = chosen.at(timezone.now())
    shown = [chart for chart in CHARTS if chart.known]
    wanted = [each for chart in shown for each in chart.known]
    points = queries.points(series=wanted, start=start, end=end, resolution=resolution)
    times = starts_in(resolution, start, end)
    values = {name: _aligned(found, times) for name, found in points.items()}
    happened = marks.in_range(start, end) if with_marks else []
    return {
        "resolution": resolution.name,
        "is_empty": not any(points.values()),
        "charts": [_described(chart, values) for chart in shown],
        "marks": happened,
        "drawn": {
            "times": [round(at.timestamp()) for at in times],
            "series": values,
            "marks": [
                {
                    "at": round(each["timestamp"].timestamp(), 1),
                    "kind": each["kind"],
                    "title": each["title"],
                }
                for each in happened
            ],
        },
    }


def _aligned(points: Iterable[Mapping[str, Any]], times: Sequence[datetime]) -> Values:
    found = {each["timestamp"]: float(f"{each['value']:.{DIGITS}g}") for each in points}
    return [found.get(at) for at in times]


def _described(chart: Chart, values: Mapping[str, Values]) -> dict[str, Any]:
    unit = chart.known[0].unit
    return {
        "name": chart.name,
        "title": chart.title,
        "unit": units.SIGNS.get(unit, unit),
        "rows": list(_rows(chart, values)),
    }


def _rows(chart: Chart, values: Mapping[str, Values]) -> Iterator[dict[str, Any]]:
    for number, each in enumerate(chart.known, start=1):
        found = [value for value in values[each.name] if value is not None]
        yield {
            "number": number,
            "name": each.name,
            "title": each.title,
            "newest": units.number(found[-1] if found else None),
            "mean": units.number(fmean(found) if each.has_mean and found else None),
            "most": units.number(max(found, default=None)),
        }
