"""What the newest minutes tell beside the totals: where gauges stand, and which value was slow.

Only the last minutes are read, by primary key.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson
from django.db import connection

from core.metrics.flushing import FLUSH_SECONDS
from core.metrics.instruments import Kind

RECENT = timedelta(minutes=3)  # more than the longest time between two flushes
MISSED = 3  # flushes, without which a process is gone
SHORTEST = timedelta(seconds=15)  # that a process is there, for a flush may take its time
OF_NODE = "node_"  # begins the names of what one process measures for its whole machine
# For each label set by itself, so that never a day is read where minutes are meant.
GAUGES = """
    SELECT label_set.instrument, label_set.labels, source.node, source.role, source.pid,
        minute.sum / minute.weight, source.flushed_until > now() - %(pace)s
    FROM metrics_labelset AS label_set
    CROSS JOIN LATERAL (
        SELECT source_id, at, sum, weight FROM metrics_minute
        WHERE label_set_id = label_set.id AND at > now() - %(recent)s AND weight > 0 OFFSET 0
    ) AS minute
    JOIN metrics_source AS source ON source.id = minute.source_id
    WHERE label_set.kind = ANY(%(kinds)s) AND source.flushed_until > now() - %(recent)s
    ORDER BY label_set.instrument, minute.at, source.flushed_until"""
EXEMPLARS = """
    SELECT label_set.instrument, label_set.labels, minute.exemplar
    FROM metrics_labelset AS label_set
    CROSS JOIN LATERAL (
        SELECT exemplar FROM metrics_minute
        WHERE label_set_id = label_set.id AND at > now() - %(recent)s AND exemplar IS NOT NULL
        ORDER BY at DESC LIMIT 1
    ) AS minute
    WHERE label_set.kind = %(kind)s"""

Labels = tuple[tuple[str, str], ...]  # in the order of their names


@dataclass(frozen=True, slots=True)
class Slow:
    """One of the slowest values, the id of the request or task that it belongs to, and when it
    was, in seconds since 1970."""

    value: float
    id: str
    time: float


def labels_of(labels: Mapping[str, Any]) -> Labels:
    return tuple(sorted((name, str(value)) for name, value in labels.items()))


def gauges() -> dict[str, dict[Labels, float]]:
    """By instrument and labels the mean of the newest minute, of each process that is there;
    of what is measured for a whole node, of each node.

    Beside the instrument's labels these are node, and role and pid of the process. Of an
    instrument with labels the total over all of them is left out.
    """
    plain: dict[str, dict[Labels, float]] = {}
    labelled: dict[str, dict[Labels, float]] = {}
    kinds = [Kind.GAUGE.value, Kind.MEAN_GAUGE.value]
    pace = max(MISSED * timedelta(seconds=FLUSH_SECONDS.value), SHORTEST)
    rows = _rows(GAUGES, {"kinds": kinds, "recent": RECENT, "pace": pace})
    for instrument, labels, node, role, pid, mean, is_there in rows:  # the newest comes last
        own = orjson.loads(labels)
        if instrument.startswith(OF_NODE):
            told = {**own, "node": node}
        elif not is_there:
            continue
        else:
            told = {"role": role, **own, "node": node, "pid": pid}
        group = labelled if own else plain
        group.setdefault(instrument, {})[labels_of(told)] = mean
    return {**plain, **labelled}


def exemplars() -> dict[tuple[str, Labels], Slow]:
    """By instrument and labels, of the histograms that were recorded with ids lately."""
    rows = _rows(EXEMPLARS, {"kind": Kind.HISTOGRAM.value, "recent": RECENT})
    return {
        (instrument, labels_of(orjson.loads(labels))): Slow(**orjson.loads(exemplar))
        for instrument, labels, exemplar in rows
    }


def _rows(statement: str, parameters: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        yield from cursor.fetchall()
