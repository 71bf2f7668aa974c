"""Computing rollups from what they are made of: five minutes from minutes, the rest from finer
rollups.

Rows are read in the order of their label sets and written in batches: what is held in memory
doesn't grow with their number.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, groupby, islice
from operator import itemgetter
from typing import Any

from django.db import connection

from core.metrics import totals
from core.metrics.aggregates import COLUMNS, Aggregate, at_once, over_time
from core.metrics.instruments import Kind
from core.metrics.models import Rollup
from core.metrics.resolutions import FIVE_MINUTES, Resolution
from core.metrics.statements import SECONDS_OF

logger = logging.getLogger(__name__)

ALL = ""  # the node that stands for all of them
BATCH = 500  # rows written at once

# OFFSET 0 keeps the planner to looking each label set up by the primary key.
MINUTES = f"""
    SELECT label_set.id, label_set.kind, source.node, minute.at, {SECONDS_OF.format(row="minute")},
        minute.count, minute.sum, minute.weight, minute.low, minute.high, minute.buckets
    FROM metrics_labelset AS label_set
    CROSS JOIN LATERAL (
        SELECT * FROM metrics_minute
        WHERE label_set_id = label_set.id AND at >= %s AND at < %s OFFSET 0
    ) AS minute
    JOIN metrics_source AS source ON source.id = minute.source_id
    ORDER BY label_set.id
"""  # noqa: S608  nothing but constants is put in
FINER = """
    SELECT label_set.id, label_set.kind, rollup.node,
        rollup.count, rollup.sum, rollup.weight, rollup.low, rollup.high, rollup.buckets
    FROM metrics_rollup AS rollup
    JOIN metrics_labelset AS label_set ON label_set.id = rollup.label_set_id
    WHERE resolution = %s AND at >= %s AND at < %s AND label_set_id = ANY(%s)
    ORDER BY label_set.id
"""
# What is the same already costs no new version of the row.
WRITE = """
    INSERT INTO metrics_rollup AS rollup
        (label_set_id, resolution, node, at,
         count, sum, weight, low, high, buckets, p50, p95, p99)
    SELECT label_set_id, %s, node, %s, count, sum, weight, low, high, buckets, p50, p95, p99
    FROM unnest(
        %s::bigint[], %s::text[], %s::bigint[], %s::float8[], %s::float8[], %s::float8[],
        %s::float8[], %s::bytea[], %s::float8[], %s::float8[], %s::float8[]
    ) AS given (label_set_id, node, count, sum, weight, low, high, buckets, p50, p95, p99)
    ON CONFLICT (label_set_id, resolution, node, at) DO UPDATE SET
        count = EXCLUDED.count, sum = EXCLUDED.sum, weight = EXCLUDED.weight,
        low = EXCLUDED.low, high = EXCLUDED.high, buckets = EXCLUDED.buckets,
        p50 = EXCLUDED.p50, p95 = EXCLUDED.p95, p99 = EXCLUDED.p99
    WHERE (rollup.count, rollup.sum, rollup.weight, rollup.low, rollup.high, rollup.buckets)
        IS DISTINCT FROM (EXCLUDED.count, EXCLUDED.sum, EXCLUDED.weight, EXCLUDED.low,
                          EXCLUDED.high, EXCLUDED.buckets)
"""


@dataclass(frozen=True, slots=True)
class Minute:
    """What one process measured in the minute from `at` on, in which it was there from `began`
    to `ended` seconds."""

    at: datetime
    began: float
    ended: float
    aggregate: Aggregate


@dataclass(frozen=True, slots=True)
class Row:
    """What a label set came to on a node; `grows` when it is counted in the totals."""

    label_set: int
    node: str
    aggregate: Aggregate
    grows: bool = False


def from_minutes(at: datetime) -> set[int]:
    """Compute the five minutes that begin at `at`, and bring them into the totals.

    Returns the label sets of which something was measured. Part of a transaction.
    """
    minutes = _stream(MINUTES, [at, at + FIVE_MINUTES.step])
    label_sets: set[int] = set()
    for batch in _batches(_merged(minutes, _from_minutes)):
        growing = {row.label_set: row.aggregate for row in batch if row.grows and row.node == ALL}
        before = _known(growing, at)
        totals.replace({key: (before.get(key), after) for key, after in growing.items()})
        _write(batch, FIVE_MINUTES, at)
        label_sets.update(row.label_set for row in batch)
    return label_sets


def from_finer(
    resolution: Resolution, at: datetime, *, finer: Resolution, label_sets: Collection[int]
) -> None:
    """Compute a bucket of these label sets from those of a finer resolution. Part of a
    transaction."""
    parameters = [finer.seconds, at, at + resolution.step, list(label_sets)]
    for batch in _batches(_merged(_stream(FINER, parameters), _from_finer)):
        _write(batch, resolution, at)


def _stream(query: str, parameters: list[Any]) -> Iterator[tuple[Any, ...]]:
    with connection.chunked_cursor() as cursor:
        cursor.execute(query, parameters)
        yield from cursor


def _batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while batch := list(islice(rows, BATCH)):
        yield batch


def _merged(rows: Iterable[tuple[Any, ...]], merge: Callable[..., list[Row]]) -> Iterator[Row]:
    """What `merge` makes of each label set's rows, which begin with its id and kind.

    One that can't be merged is left out and told: it must not keep all others from it forever.
    """
    for (label_set, kind), of_set in groupby(rows, key=itemgetter(0, 1)):
        try:
            merged = merge(label_set, Kind(kind), (values for _, _, *values in of_set))
        except ValueError:
            logger.exception("the label set %d can't be merged and is left out", label_set)
        else:
            yield from merged


def _from_minutes(label_set: int, kind: Kind, rows: Iterable[list[Any]]) -> list[Row]:
    nodes: dict[str, list[Minute]] = {}
    for node, at, began, ended, *values in rows:
        minute = Minute(at, began, ended, Aggregate.of_row(*values))
        nodes.setdefault(node, []).append(minute)
    merged = {node: _over_minutes(kind, minutes) for node, minutes in nodes.items()}
    if len(nodes) == 1:
        merged[ALL] = next(iter(merged.values()))
    else:
        merged[ALL] = _over_minutes(kind, list(chain(*nodes.values())))
    grows = kind in totals.KINDS
    return [Row(label_set, node, aggregate, grows) for node, aggregate in merged.items()]


def _over_minutes(kind: Kind, minutes: list[Minute]) -> Aggregate:
    if kind is not Kind.GAUGE:
        return over_time([each.aggregate for each in minutes])
    beside: dict[datetime, list[Minute]] = {}
    for each in minutes:
        beside.setdefault(each.at, []).append(each)
    return over_time([_at_once(kind, each) for each in beside.values()])


def _at_once(kind: Kind, minutes: list[Minute]) -> Aggregate:
    seconds = max(each.ended for each in minutes) - min(each.began for each in minutes)
    return at_once(kind, [each.aggregate for each in minutes], seconds=seconds)


def _from_finer(label_set: int, kind: Kind, rows: Iterable[list[Any]]) -> list[Row]:
    nodes: dict[str, list[list[Any]]] = {}
    for node, *values in rows:
        nodes.setdefault(node, []).append(values)
    alone = len(nodes) == 2  # one node, and the same for all of them
    whole = _over_rows(nodes.pop(ALL))
    each_node = (
        Row(label_set, node, whole if alone else _over_rows(parts)) for node, parts in nodes.items()
    )
    return [Row(label_set, ALL, whole), *each_node]


def _over_rows(rows: Iterable[list[Any]]) -> Aggregate:
    return over_time([Aggregate.of_row(*values) for values in rows])


def _known(label_sets: Collection[int], at: datetime) -> dict[int, Aggregate]:
    """Of all nodes, what was merged of these label sets before."""
    rows = Rollup.objects.filter(
        label_set__in=label_sets, resolution=FIVE_MINUTES.seconds, node=ALL, at=at
    ).values_list("label_set_id", *COLUMNS)
    return {label_set: Aggregate.of_row(*values) for label_set, *values in rows}


def _write(rows: Iterable[Row], resolution: Resolution, at: datetime) -> None:
    told: dict[int, tuple[Any, ...]] = {}  # one that stands for two nodes is encoded once
    lines = []
    for row in rows:
        if (key := id(row.aggregate)) not in told:
            told[key] = _told(row.aggregate)
        lines.append((row.label_set, row.node, *told[key]))
    with connection.cursor() as cursor:
        columns = [list(column) for column in zip(*lines, strict=True)]
        cursor.execute(WRITE, [resolution.seconds, at, *columns])


def _told(of: Aggregate) -> tuple[Any, ...]:
    return of.count, of.sum, of.weight, of.low, of.high, of.encoded(), *of.percentiles()
