"""Reading the metrics."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.metrics import grouping, idle, reading
from core.metrics.figures import ratio
from core.metrics.grouping import MOST_GROUPS
from core.metrics.reading import Found, Horizon, Key
from core.metrics.resolutions import DAY, MINUTE, Resolution
from core.metrics.series import PERCENTILES, Series
from core.metrics.spans import Span, cover
from core.metrics.statements import Member
from core.metrics.summaries import summary

__all__ = ["Points", "points", "summary"]

LEAST_SECONDS = 1.0  # of a bucket that must have been measured to speak of a rate


class Points(dict[str, list[dict[str, Any]]]):
    """The points of each series, by its name. `left_out` is, by the same names, how many groups
    there are beyond the MOST_GROUPS that are told; series without such are not in it."""

    def __init__(self, series: Sequence[Series]) -> None:
        super().__init__((each.name, []) for each in series)
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
    nothing was measured there is no point; where processes measured and nothing happened, what
    is counted is 0, unless it is grouped. `group_by` is a label of the instrument, "node", or
    at one minute "process"; at most MOST_GROUPS are told of a series, those with the most.
    Raises InvalidInput for a `group_by` that a series doesn't have.
    """
    grouping.check(series, resolution=resolution, group_by=group_by)
    buckets = _Buckets.of(start, end, resolution)
    found, groups = _read(series, buckets, group_by)
    answer = Points(series)
    for each in series:
        names = groups.get((each.per or each.instrument).name)
        told = None if names is None else set(names[:MOST_GROUPS])
        answer[each.name].extend(
            {"timestamp": at, "value": value, **({} if group_by is None else {"group": group})}
            for group, at, value in _values(each, found, buckets)
            if told is None or group in told
        )
        if names is not None and len(names) > MOST_GROUPS:
            answer.left_out[each.name] = len(names) - MOST_GROUPS
    return answer


@dataclass(frozen=True)
class _Buckets:
    """The buckets of a question, from `first` to before `last`, and what is known of them."""

    first: datetime
    last: datetime
    resolution: Resolution
    horizon: Horizon

    @classmethod
    def of(cls, start: datetime, end: datetime, resolution: Resolution) -> _Buckets:
        first, last = resolution.floor(start), resolution.ceil(end)
        return cls(first, last, resolution, reading.horizon(first, last))

    def spans(self, *, largest: Resolution) -> list[Span]:
        return cover(self.first, self.last, largest=largest, unmerged=self.horizon.unmerged)

    def seconds(self, at: datetime) -> float | None:
        """How much of a bucket has been measured; None when too little to speak of a rate."""
        until = self.horizon.known_until
        if until is None or not at <= until < at + self.resolution.step:
            return self.resolution.seconds
        elapsed = (until - at).total_seconds()
        return elapsed if elapsed >= LEAST_SECONDS else None


def _read(
    series: Sequence[Series], buckets: _Buckets, group_by: str | None
) -> tuple[Found, dict[str, list[str]]]:
    """The figures; and of each instrument the groups, those with the most first, where there
    may be too many to tell."""
    instruments = grouping.instruments_of(series)
    idle_matters = group_by is None and idle.matters(series)
    names = {*instruments, idle.PRESENT.instrument} if idle_matters else instruments
    wanted = grouping.label_sets(names, group_by=group_by)
    member = grouping.MEMBERS.get(group_by or "", Member.NOBODY)
    groups: dict[str, list[str]] = {}
    only = None
    if grouping.needs_ranking(wanted, group_by):
        largest = MINUTE if member is Member.PROCESS else DAY
        spans = buckets.spans(largest=largest)
        whole = reading.read(wanted, spans, resolution=None, member=member)
        groups = grouping.ranked(whole, instruments)
        only = {group for names in groups.values() for group in names[:MOST_GROUPS]}
        if member is Member.NOBODY:
            wanted = [each for each in wanted if each.key.group in only]
            only = None
    found = reading.read(
        wanted, buckets.spans(largest=buckets.resolution),
        resolution=buckets.resolution,
        merged={each.instrument.name for each in series if each.statistic in PERCENTILES},
        member=member, only=only,
    )  # fmt: skip
    if idle_matters:
        idle.fill(found, wanted, step=buckets.resolution.step)
    return found, groups


def _values(
    series: Series, found: Found, buckets: _Buckets
) -> Iterator[tuple[str, datetime, float]]:
    """Group, time and value of each point, in this order."""
    base = (series.per or series.instrument).name
    for (key, member), measured in found.items():
        if key.instrument != base:
            continue
        parts = found.get((Key(series.instrument.name, key.group), member), {})
        for at, figures in measured.items():
            if series.per is not None:
                value = ratio(parts.get(at), figures)
            else:
                value = figures.of(series, seconds=buckets.seconds(at))
            if value is not None:
                yield key.group or member, at, value * series.factor
