"""Which buckets make up a range of time: the largest whole ones inside, finer ones at its edges
and where the rollups are behind.

A year costs some hundred rows this way, and every answer is right whatever the rollups have
reached: five minutes with something unmerged are read by the minute, and what is longer and
contains them is put together from what doesn't.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from core.metrics.ranges import is_kept
from core.metrics.resolutions import DAY, RESOLUTIONS, Resolution


@dataclass(frozen=True, slots=True)
class Span:
    """The buckets of one resolution that begin from `start` to before `end`, both of which are
    such beginnings."""

    resolution: Resolution
    start: datetime
    end: datetime


def cut(start: datetime, end: datetime, *, now: datetime) -> tuple[datetime, datetime]:
    """The range widened to whole buckets of what is kept at its edges: minutes while there are
    minutes. It ends before what can't be measured yet and begins after what is kept of nothing.
    """
    start = max(start, now - max(each.kept for each in RESOLUTIONS))
    end = min(end, now + DAY.step)
    return _at_edge(start, now).floor(start), _at_edge(end, now).ceil(end)


def _at_edge(moment: datetime, now: datetime) -> Resolution:
    """The finest resolution kept from the start of the next coarser bucket around `moment`."""
    for finer, coarser in pairwise(RESOLUTIONS):
        if is_kept(finer, coarser.floor(moment), now=now):
            return finer
    return RESOLUTIONS[-1]


def cover(
    start: datetime, end: datetime, *, largest: Resolution, unmerged: Sequence[datetime]
) -> list[Span]:
    """Spans in order that together are the range, of resolutions up to `largest`.

    The range begins and ends with a bucket of a resolution that is kept there. `unmerged` are
    the starts, ascending, of five minutes that the rollups don't contain; their minutes are kept
    for as long as that is so.
    """
    return list(_cover(start, end, _levels(largest), unmerged))


def _levels(largest: Resolution) -> list[Resolution]:
    """The resolutions up to `largest`, finest first, without those that are kept for a shorter
    time than a finer one: they would be missing where the finer one is not."""
    levels: list[Resolution] = []
    for each in RESOLUTIONS[: RESOLUTIONS.index(largest)]:
        if all(each.kept >= finer.kept for finer in levels):
            levels.append(each)
    return [*levels, largest]


def _cover(
    start: datetime, end: datetime, levels: Sequence[Resolution], unmerged: Sequence[datetime]
) -> Iterator[Span]:
    *finer, largest = levels
    if not finer:
        if start < end:
            yield Span(largest, start, end)
        return
    clean = start
    for gap_start, gap_end in _gaps(start, end, largest, unmerged):
        if clean < gap_start:
            yield Span(largest, clean, gap_start)
        marks = unmerged[bisect_left(unmerged, gap_start) : bisect_left(unmerged, gap_end)]
        yield from _cover(gap_start, gap_end, finer, marks)
        clean = gap_end
    if clean < end:
        yield Span(largest, clean, end)


def _gaps(
    start: datetime, end: datetime, resolution: Resolution, unmerged: Sequence[datetime]
) -> list[tuple[datetime, datetime]]:
    """Where buckets of that resolution can't be used: at the edges, and where something is
    unmerged. Neighbours are one gap."""
    whole = resolution.ceil(start), resolution.floor(end)
    if whole[0] >= whole[1]:
        return [(start, end)]
    dirty = (resolution.floor(at) for at in unmerged if whole[0] <= at < whole[1])
    found = [(start, whole[0]), *((at, at + resolution.step) for at in dirty), (whole[1], end)]
    gaps: list[tuple[datetime, datetime]] = []
    for gap in found:
        if gaps and gaps[-1][1] >= gap[0]:
            gaps[-1] = gaps[-1][0], gap[1]
        elif gap[0] < gap[1]:
            gaps.append(gap)
    return gaps
