"""The SQL that reads figures: rows are found by primary key, and what belongs together is added
up where it lies.

Every question is one statement over the spans of `core.metrics.spans`. Of the minutes only
the partitions of the days in question are opened.
"""

from __future__ import annotations

from enum import Enum


class Member(Enum):
    """Whose rows are kept apart: nobody's, each node's, or each process's (whose name is in SQL,
    as `core.metrics.models.Source` is written)."""

    NOBODY = "''"
    NODE = "source.node"
    PROCESS = "(source.role || '@' || source.node || ':' || source.pid)"


WANTED = """unnest(
        %(label_sets)s::bigint[], %(keys)s::integer[], %(add_up)s::boolean[],
        %(merged)s::boolean[], %(several)s::boolean[]
    ) AS wanted (label_set_id, key, adds_up, merged, several)"""
# OFFSET 0 keeps the planner to looking each span of each label set up by the primary key. It
# can't know how short spans are, and would read the whole table for a month.
# Histograms are told only where they have to be merged: a rollup row that is all there is of its
# bucket has its percentiles already.
ROLLUPS = """
    SELECT wanted.key, wanted.adds_up, measured.node COLLATE "C" AS member,
        measured.at, measured.resolution,
        0.0 AS began, measured.resolution::float AS ended,
        measured.count, measured.sum, measured.weight, measured.low, measured.high,
        measured.p50, measured.p95, measured.p99,
        CASE WHEN wanted.merged AND (wanted.several OR measured.resolution <> %(step)s)
            THEN measured.buckets END AS buckets
    FROM {wanted}
    CROSS JOIN unnest(
        %(resolutions)s::integer[], %(starts)s::timestamptz[], %(ends)s::timestamptz[]
    ) AS span (resolution, begins, ends)
    CROSS JOIN LATERAL (
        SELECT * FROM metrics_rollup
        WHERE label_set_id = wanted.label_set_id AND resolution = span.resolution
            AND {condition} AND at >= span.begins AND at < span.ends OFFSET 0
    ) AS measured"""
MINUTES = """
    SELECT wanted.key, wanted.adds_up, {member} COLLATE "C" AS member,
        measured.at, 60 AS resolution, {seconds},
        measured.count, measured.sum, measured.weight, measured.low, measured.high,
        NULL::float AS p50, NULL::float AS p95, NULL::float AS p99,
        CASE WHEN wanted.merged THEN measured.buckets END AS buckets
    FROM {wanted}
    CROSS JOIN unnest(
        %(minute_starts)s::timestamptz[], %(minute_ends)s::timestamptz[]
    ) AS span (begins, ends)
    CROSS JOIN LATERAL (
        SELECT * FROM metrics_minute
        WHERE label_set_id = wanted.label_set_id AND at >= span.begins AND at < span.ends
            AND at >= %(first_minute)s AND at < %(last_minute)s OFFSET 0
    ) AS measured
    JOIN metrics_source AS source ON source.id = measured.source_id
    WHERE {condition}"""
# From when to when in a minute a process was there, in seconds since its start.
SECONDS_OF = """
        extract(epoch FROM greatest({row}.at, source.started_at) - {row}.at)::float AS began,
        extract(epoch FROM least({row}.at + interval '1 minute', source.flushed_until) - {row}.at
            )::float AS ended"""
# What is beside each other at one time: of gauges that add up, the sum counts for as long as any
# was measured, see `core.metrics.aggregates.at_once`; the extremes of the total are known as
# finely as the rows are.
TOGETHER = """
    SELECT key, member, at, resolution, count, sum, weight,
        CASE pieces WHEN 1 THEN low ELSE sum / nullif(weight, 0) END AS low,
        CASE pieces WHEN 1 THEN high ELSE sum / nullif(weight, 0) END AS high
    FROM (
        SELECT key, member, at, resolution, count(*) AS pieces, sum(count) AS count,
            sum(sum) AS sum,
            greatest(max(weight), least(sum(weight), max(ended) - min(began))) AS weight,
            min(low) AS low, max(high) AS high
        FROM piece WHERE adds_up GROUP BY key, member, at, resolution
    ) AS beside"""
FIGURES = """
    SELECT key, member, {bucket} AS bucket, sum(count)::bigint, sum(sum), sum(weight),
        min(low), max(high), max(p50), max(p95), max(p99), NULL::bytea
    FROM piece WHERE NOT adds_up GROUP BY key, member, bucket
    UNION ALL
    SELECT key, member, {bucket} AS bucket, sum(count)::bigint, sum(sum), sum(weight),
        min(low), max(high), NULL, NULL, NULL, NULL
    FROM together GROUP BY key, member, bucket
    UNION ALL
    SELECT key, member, {bucket}, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, buckets
    FROM piece WHERE buckets IS NOT NULL
    ORDER BY key, member, bucket"""
NEWEST = """
    SELECT DISTINCT ON (member) at, resolution, sum, weight
    FROM together WHERE weight > 0 ORDER BY member, at DESC"""
BUCKET = "date_bin(make_interval(secs => %(step)s), at, 'epoch')"
WHOLE = "%(start)s::timestamptz"


def figures(*, rollups: bool, minutes: bool, member: Member, restricted: bool, whole: bool) -> str:
    """Figures by key, member and bucket, of rollups, minutes or both; `restricted` to the given
    members, and perhaps of the whole range at once.

    The histograms that have to be merged follow as rows of their own: for array_agg the planner
    reckons with so much memory that it would go to disk for a thousand buckets.
    """
    read = _read(rollups=rollups, minutes=minutes, member=member, restricted=restricted)
    return read + FIGURES.format(bucket=WHOLE if whole else BUCKET)


def newest(*, rollups: bool, minutes: bool) -> str:
    """Of a gauge that adds up, the newest row of each node."""
    read = _read(rollups=rollups, minutes=minutes, member=Member.NODE, restricted=False)
    return read + NEWEST


def _read(*, rollups: bool, minutes: bool, member: Member, restricted: bool) -> str:
    """The rows as `piece`, and those of gauges that add up as `together`."""
    parts = []
    if rollups:
        condition = "node = ''" if member is Member.NOBODY else "node > ''"
        if restricted:
            condition = "node = ANY(%(members)s)"
        parts.append(ROLLUPS.format(wanted=WANTED, condition=condition))
    if minutes:
        condition = f"{member.value} = ANY(%(members)s)" if restricted else "true"
        seconds = SECONDS_OF.format(row="measured")
        parts.append(
            MINUTES.format(wanted=WANTED, member=member.value, seconds=seconds, condition=condition)
        )
    return f"WITH piece AS ({' UNION ALL '.join(parts)}), together AS ({TOGETHER})"
