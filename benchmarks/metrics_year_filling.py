"""Fill a database with what an instance has measured: minute rows and rollups of many days.

Everything is made by SQL; the histograms are taken in turn from a few that Python has made.
Minutes are kept for as long as the rollups, longer than by the product, to compare with.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from uuid import uuid4

from django.db import connection
from django.db.backends.utils import CursorWrapper

from core.metrics.histogram import Distribution, encode
from core.metrics.models import LabelSet, Source, Unmerged
from core.metrics.resolutions import DAY, FIVE_MINUTES, MINUTE, ROLLUPS
from core.metrics.standard import NODE_CPU, PROCESS_MEMORY, REQUEST_DURATION, REQUEST_ERRORS

INSTRUMENTS = (REQUEST_DURATION, REQUEST_ERRORS, PROCESS_MEMORY, NODE_CPU)
NODES = ("alpha", "beta")
PROCESSES = 4
HISTOGRAMS = 32
VALUES_A_MINUTE = 200

MINUTES = """
    INSERT INTO metrics_minute
        (label_set_id, at, source_id, count, sum, weight, low, high, buckets)
    SELECT l.id, at, s.id,
        CASE WHEN l.kind IN ('histogram', 'counter') THEN %(values)s ELSE 12 END,
        CASE l.kind WHEN 'histogram' THEN %(values)s * 0.1 WHEN 'counter' THEN 3
            ELSE 60 * (10 + s.id + sin(extract(epoch FROM at) / 43200)) END,
        CASE WHEN l.kind IN ('histogram', 'counter') THEN 0 ELSE 60 END,
        CASE l.kind WHEN 'counter' THEN NULL ELSE 0.001 END,
        CASE l.kind WHEN 'counter' THEN NULL ELSE 5.0 END,
        CASE l.kind WHEN 'histogram' THEN (%(histograms)s::bytea[])[
            1 + (extract(epoch FROM at)::bigint / 60 + s.id) %% array_length(%(histograms)s, 1)
        ] END
    FROM generate_series(%(start)s::timestamptz, %(last)s::timestamptz, '1 minute') AS at
    CROSS JOIN metrics_labelset AS l CROSS JOIN metrics_source AS s
    ORDER BY l.id, at, s.id
"""
# The smallest rollups from the minutes, each larger one from the one before; those of all nodes
# from those of each.
ROLLUP = """
    INSERT INTO metrics_rollup
        (label_set_id, resolution, node, at, count, sum, weight, low, high, buckets, p50, p95, p99)
    SELECT l.id, %(seconds)s, {node},
        date_bin(make_interval(secs => %(seconds)s), p.at, 'epoch') AS bucket,
        sum(p.count), sum(p.sum), sum(p.weight), min(p.low), max(p.high),
        CASE l.kind WHEN 'histogram' THEN (%(histograms)s::bytea[])[
            1 + (extract(epoch FROM max(p.at))::bigint / 60) %% array_length(%(histograms)s, 1)
        ] END,
        CASE l.kind WHEN 'histogram' THEN 0.1 END,
        CASE l.kind WHEN 'histogram' THEN 0.3 END,
        CASE l.kind WHEN 'histogram' THEN 0.5 END
    FROM {parts} JOIN metrics_labelset AS l ON l.id = p.label_set_id
    GROUP BY l.id, 3, bucket ORDER BY bucket
"""
MINUTE_ROWS = "metrics_minute AS p JOIN metrics_source AS s ON s.id = p.source_id"
ROLLUP_ROWS = "(SELECT * FROM metrics_rollup WHERE resolution = %(before)s AND node <> '') AS p"


def fill(*, end: datetime, days: int) -> None:
    """What was measured in so many days before `end`. Of the newest five minutes nothing is
    merged yet."""
    for number in range(PROCESSES):
        Source.objects.create(
            process=uuid4(), node=NODES[number % len(NODES)], role="web", pid=number + 1,
            flushed_until=end,
        )  # fmt: skip
    for each in INSTRUMENTS:
        LabelSet.objects.create(instrument=each.name, kind=each.kind)
    with connection.cursor() as cursor:
        _minutes(cursor, MINUTE.floor(end - timedelta(days=days)), end)
        _rollups(cursor)
    Unmerged.objects.create(at=FIVE_MINUTES.floor(end))


def _minutes(cursor: CursorWrapper, start: datetime, end: datetime) -> None:
    written = histograms(VALUES_A_MINUTE)
    for number in range((DAY.ceil(end) - DAY.floor(start)).days):
        day = DAY.floor(start) + timedelta(days=number)
        cursor.execute(
            f"CREATE TABLE metrics_minute_{day:%Y%m%d} PARTITION OF metrics_minute"
            f" FOR VALUES FROM ('{day}') TO ('{day + DAY.step}')"
        )
        last = min(day + DAY.step - MINUTE.step, MINUTE.floor(end))
        parameters = {"values": VALUES_A_MINUTE, "histograms": written}
        cursor.execute(MINUTES, {"start": max(day, start), "last": last, **parameters})


def _rollups(cursor: CursorWrapper) -> None:
    before, parts = MINUTE, MINUTE_ROWS
    for each in ROLLUPS:
        parameters = {
            "seconds": each.seconds, "before": before.seconds,
            "histograms": histograms(VALUES_A_MINUTE * each.seconds // 60),
        }  # fmt: skip
        node = "s.node" if before is MINUTE else "p.node"
        cursor.execute(ROLLUP.format(node=node, parts=parts), parameters)
        parameters["before"] = each.seconds
        cursor.execute(ROLLUP.format(node="''", parts=ROLLUP_ROWS), parameters)
        before, parts = each, ROLLUP_ROWS


def histograms(values: int) -> list[bytes]:
    """As many values as a sample of 20,000 tells apart, in the buckets of some latencies."""
    chance = Random(1)
    made = []
    for _ in range(HISTOGRAMS):
        seen = Distribution()
        for _ in range(min(values, 20_000)):
            seen.add(chance.lognormvariate(-2.5, 0.8))
        made.append(encode(seen.buckets))
    return made
