"""Where processes measured, and nothing happened: the rate is 0 there, and not unknown.

Who counts writes nothing while there is nothing to count. That somebody was there to count is
known by the memory that every process tells of itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from core.metrics.figures import NOTHING
from core.metrics.instruments import Kind
from core.metrics.reading import Found, Key, Wanted
from core.metrics.series import Series
from core.metrics.standard import PROCESS_MEMORY

COUNTED = ("rate", "total", "count")
PRESENT = Key(PROCESS_MEMORY.name)


def matters(series: Iterable[Series]) -> bool:
    """Whether a series is 0 where nothing happened."""
    return any(each.statistic in COUNTED for each in series)


def fill(found: Found, wanted: Sequence[Wanted], *, step: timedelta) -> None:
    """Let counters and histograms be nothing where processes were there, from when on they have
    been counted at all."""
    present = found.get((PRESENT, ""), {})
    for each in wanted:
        if each.kind in (Kind.COUNTER, Kind.HISTOGRAM):
            counted = {at: NOTHING for at in present if at + step > each.since}
            counted.update(found.get((each.key, ""), {}))
            found[each.key, ""] = dict(sorted(counted.items()))
