"""From rows to figures: PostgreSQL adds up, this side merges histograms."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.db import connection

from core.metrics import statements
from core.metrics.figures import Figures
from core.metrics.histogram import Buckets, Distribution, decode, merge
from core.metrics.instruments import Kind
from core.metrics.resolutions import EPOCH, MINUTE, Resolution
from core.metrics.series import PERCENTILES
from core.metrics.spans import Span
from core.metrics.statements import Member

# One clock that is ahead, or was once, must not make up a future.
HORIZON = """
    SELECT (SELECT max(least(flushed_until, now())) FROM metrics_source), ARRAY(
        SELECT at FROM metrics_unmerged WHERE at >= %s AND at < %s ORDER BY at
    )
"""


@dataclass(frozen=True, slots=True)
class Horizon:
    """Up to when anything is known (None before the first flush), and which five minutes of a
    range, by their starts, the rollups don't contain."""

    known_until: datetime | None
    unmerged: list[datetime]


def horizon(start: datetime, end: datetime) -> Horizon:
    with connection.cursor() as cursor:
        cursor.execute(HORIZON, [start, end])
        return Horizon(*cursor.fetchone())


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """What figures are of: an instrument, and the group when they are grouped by a label."""

    instrument: str
    group: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A label set to read, known `since` when that matters; those with the same key come
    together."""

    label_set: int
    kind: str
    key: Key
    since: datetime = EPOCH


Found = dict[tuple[Key, str], dict[datetime, Figures]]  # by key and member, by bucket


def read(
    wanted: Sequence[Wanted],
    spans: Sequence[Span],
    *,
    resolution: Resolution | None,
    merged: Collection[str] = (),
    member: Member = Member.NOBODY,
    only: Collection[str] | None = None,
) -> Found:
    """Figures in buckets of `resolution`, ascending; without one, of all spans at once.

    Percentiles are told of the instruments in `merged`. With `member` nodes or processes are
    kept apart, and `only` these are read.
    """
    if not wanted or not spans:
        return {}
    keys = sorted({each.key for each in wanted})
    parameters = {
        **_wanted(wanted, keys, merged),
        **_spans(spans),
        "step": resolution.seconds if resolution else 0,
        "start": spans[0].start,
        "members": sorted(only or ()),
    }
    statement = statements.figures(
        **_tables(spans), member=member, restricted=only is not None, whole=resolution is None
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        rows = cursor.fetchall()
    found: Found = {}
    for (key, name, bucket), together in groupby(rows, key=itemgetter(0, 1, 2)):
        figures = _figures([row[3:] for row in together])
        found.setdefault((keys[key], name), {})[bucket] = figures
    return found


def newest(wanted: Wanted, spans: Sequence[Span]) -> float | None:
    """The newest mean of a gauge that adds up, in sum over the nodes; None when there is none.

    A node of which the newest row ended before that of another began is gone.
    """
    if not spans:
        return None
    parameters = {**_wanted([wanted], [wanted.key], ()), **_spans(spans), "step": 0}
    with connection.cursor() as cursor:
        cursor.execute(statements.newest(**_tables(spans)), parameters)
        rows = cursor.fetchall()
    begin = max((at for at, *_ in rows), default=None)
    living = [
        total / weight
        for at, seconds, total, weight in rows
        if at + timedelta(seconds=seconds) >= begin
    ]
    return sum(living) if living else None


def _tables(spans: Iterable[Span]) -> dict[str, bool]:
    minutes = {each.resolution is MINUTE for each in spans}
    return {"rollups": False in minutes, "minutes": True in minutes}


def _wanted(
    wanted: Sequence[Wanted], keys: list[Key], merged: Collection[str]
) -> dict[str, list[Any]]:
    places = {key: place for place, key in enumerate(keys)}
    sets = [places[each.key] for each in wanted]
    sizes = Counter(sets)
    # Of a gauge that became another kind in some release, label sets of both may come together.
    adding = {place for place, each in zip(sets, wanted, strict=True) if each.kind == Kind.GAUGE}
    return {
        "label_sets": [each.label_set for each in wanted],
        "keys": sets,
        "add_up": [place in adding for place in sets],
        "merged": [each.key.instrument in merged for each in wanted],
        "several": [sizes[place] > 1 for place in sets],
    }


def _spans(spans: Iterable[Span]) -> dict[str, Any]:
    minutes = [each for each in spans if each.resolution is MINUTE]
    rollups = [each for each in spans if each.resolution is not MINUTE]
    return {
        "resolutions": [each.resolution.seconds for each in rollups],
        "starts": [each.start for each in rollups],
        "ends": [each.end for each in rollups],
        "minute_starts": [each.start for each in minutes],
        "minute_ends": [each.end for each in minutes],
        "first_minute": minutes[0].start if minutes else None,
        "last_minute": minutes[-1].end if minutes else None,
    }


def _figures(rows: Sequence[Sequence[Any]]) -> Figures:
    """Of the rows of one bucket: its sums, and the histograms that have to be merged."""
    [sums] = [row[:-1] for row in rows if row[-1] is None]
    buckets: Buckets = {}
    for row in rows:
        if row[-1] is not None:
            merge(buckets, decode(row[-1]))
    if not buckets:
        return Figures(*sums)
    count, total, weight, low, high = sums[:5]
    seen = Distribution(sum(buckets.values()), total, low, high, buckets)
    return Figures(count, total, weight, low, high, *seen.quantiles(PERCENTILES.values()))
