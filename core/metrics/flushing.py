"""Writing what this process has recorded: one statement every few seconds, and at its end.

Each process rewrites its own rows of the current minute with what it has counted since the
minute began. So a flush that is repeated counts nothing twice, and one that comes late takes
nothing away. Nothing of the database is remembered between flushes: it may have been replaced.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import fields
from datetime import UTC, datetime
from operator import attrgetter
from time import monotonic
from typing import Annotated

import orjson
from django.conf import settings
from django.db import IntegrityError, connection
from pydantic import Field

from core import options
from core.database import statement_deadline
from core.metrics import partitions, sampling
from core.metrics.models import LabelSet
from core.metrics.recorder import Minute, recorder
from core.metrics.resolutions import MINUTE
from core.metrics.rows import Row, rows
from core.processes import endings, loops, runtime

logger = logging.getLogger(__name__)

LOOP = "metrics.flush"
FLUSH_SECONDS = options.declare(
    "metrics.flush_seconds", Annotated[float, Field(ge=0.5, le=60)], default=5.0, unit="s",
    help="How often each process writes what it has measured. One that is killed without"
    " warning loses what it has measured since.",
)  # fmt: skip
MOST_ROWS = 5000  # in one statement, unless a single minute has more
STATEMENT_SECONDS = 10.0
LAST_SECONDS = 2.0

# A mark is locked even when it is there already: whoever merges the bucket deletes its mark and
# must wait for this transaction, or it would miss what is written here.
WRITE = """
    WITH given AS (
        SELECT *
        FROM unnest(
            %s::text[], %s::jsonb[], %s::uuid[], %s::timestamptz[], %s::bigint[], %s::float8[],
            %s::float8[], %s::float8[], %s::float8[], %s::bytea[], %s::jsonb[]
        ) AS given (instrument, labels, process, at, count, sum, weight, low, high, buckets,
                    exemplar)
    ), known AS (
        SELECT label_set.id AS label_set_id, source.id AS source_id, given.*
        FROM given
        JOIN metrics_labelset AS label_set USING (instrument, labels)
        JOIN metrics_source AS source USING (process)
    ), marked AS (
        INSERT INTO metrics_unmerged (at)
        SELECT DISTINCT date_bin('5 minutes', known.at, 'epoch') AS bucket FROM known
        ORDER BY bucket
        ON CONFLICT (at) DO UPDATE SET at = EXCLUDED.at
    ), seen AS (
        UPDATE metrics_source AS source SET flushed_until = greatest(flushed_until, %s)
        WHERE source.id IN (SELECT source_id FROM known)
    ), written AS (
        INSERT INTO metrics_minute AS minute (label_set_id, at, source_id, count, sum, weight,
                                              low, high, buckets, exemplar)
        SELECT label_set_id, at, source_id, count, sum, weight, low, high, buckets, exemplar
        FROM known
        ON CONFLICT (label_set_id, at, source_id) DO UPDATE SET
            count = EXCLUDED.count, sum = EXCLUDED.sum, weight = EXCLUDED.weight,
            low = EXCLUDED.low, high = EXCLUDED.high, buckets = EXCLUDED.buckets,
            exemplar = EXCLUDED.exemplar
        WHERE EXCLUDED.count >= minute.count
    )
    SELECT count(*) FROM known
"""
COLUMNS = [each.name for each in fields(Row) if each.name != "kind"]
SOURCE = """
    INSERT INTO metrics_source (process, node, role, pid, started_at, flushed_until)
    VALUES (%s, %s, %s, %s, now() - make_interval(secs => %s), %s)
    ON CONFLICT (process) DO NOTHING
"""


class Incomplete(Exception):
    """Some rows found no place, though it has just been made."""


@loops.register(
    LOOP, roles={"web", "worker", "beat", loops.CHILD}, interval=lambda: FLUSH_SECONDS.value
)
def take_turn() -> bool:
    sampling.sample()
    with statement_deadline(STATEMENT_SECONDS):
        return flush()


@options.on_change("metrics.flush_seconds")
def keep_the_new_pace() -> None:
    loops.wake(LOOP)


@endings.register(LOOP)
def write_the_rest() -> None:
    """What was recorded since the last flush, as far as it can be written in a moment."""
    deadline = monotonic() + LAST_SECONDS
    while flush() and monotonic() < deadline:
        continue


def flush() -> bool:
    """Write what this process has recorded; returns whether there is more than fits in one go."""
    until = datetime.now(UTC)
    unwritten = _kept(recorder.snapshot(), until)
    batch: list[Minute] = []
    written: list[Row] = []
    for minute in unwritten:
        found = list(rows(minute))
        if written and len(written) + len(found) > MOST_ROWS:
            until = min(until, datetime.fromtimestamp(minute.at, UTC))
            break
        batch.append(minute)
        written += found
    if written:
        write(written, until=until)
    recorder.written(batch)
    return len(batch) < len(unwritten)


def _kept(minutes: list[Minute], now: datetime) -> list[Minute]:
    """Without those that are too old to be kept, which are forgotten."""
    oldest = (now - MINUTE.kept).timestamp()
    expired = [minute for minute in minutes if minute.at < oldest]
    if expired:
        logger.warning("%d minutes of metrics could not be written in time", len(expired))
        recorder.written(expired)
    return [minute for minute in minutes if minute.at >= oldest]


def write(written: Sequence[Row], *, until: datetime) -> None:
    """Write rows of this process, of which all is told until then. Those of days that the
    database no longer keeps are left out.

    Raises Incomplete, or DatabaseError.
    """
    if _write(written, until) == len(written):
        return
    days = partitions.ensure({row.at.date() for row in written})
    kept = [row for row in written if row.at.date() in days]
    if len(kept) < len(written):
        logger.warning("%d metrics are of days that are no longer kept", len(written) - len(kept))
    _make_known(kept, until)
    if _write(kept, until) < len(kept):
        raise Incomplete("the label sets or the source of some rows are gone again")


def _write(written: Sequence[Row], until: datetime) -> int:
    """How many rows had a label set and a source: those have been written."""
    columns = [list(map(attrgetter(name), written)) for name in COLUMNS]
    try:
        with connection.cursor() as cursor:
            cursor.execute(WRITE, [*columns, until])
            return int(cursor.fetchone()[0])
    except IntegrityError:  # a day without a partition
        return 0


def _make_known(written: Sequence[Row], until: datetime) -> None:
    """What the rows refer to, unless it is there."""
    sets = sorted({(row.instrument, row.labels, row.kind) for row in written})  # all in one order
    LabelSet.objects.bulk_create(
        (
            LabelSet(instrument=instrument, kind=kind, labels=orjson.loads(labels))
            for instrument, labels, kind in sets
        ),
        ignore_conflicts=True,
    )
    identity = runtime.identity()
    role, age = (identity.role, identity.age) if identity else ("command", 0.0)
    with connection.cursor() as cursor:
        for process in sorted({row.process for row in written}):
            cursor.execute(SOURCE, [process, settings.NODE, role, os.getpid(), age, until])
