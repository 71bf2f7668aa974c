"""All that was ever counted, for those who compute growth themselves, such as Prometheus.

What is told never falls: not when a bucket is merged, or merged again, and not when rollups or
minutes are dropped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from math import isfinite
from operator import itemgetter

import orjson
from django.db import connection, transaction

from core.metrics.aggregates import Aggregate, over_time
from core.metrics.histogram import Buckets, decode, encode, merge
from core.metrics.instruments import Instrument, Kind
from core.metrics.models import Total

KINDS = (Kind.COUNTER, Kind.HISTOGRAM)  # those that only grow
BILLION = 1_000_000_000
LARGEST = 1e27  # what has room in the column, many times

# One statement, so that all of it is of one moment. Of a bucket that is unmerged, what its rollup
# has put into the total is replaced by its minutes, which contain that.
READ = """
    WITH growing AS (
        SELECT id FROM metrics_labelset WHERE kind = ANY(%(kinds)s)
            AND (%(instrument)s::text IS NULL OR (instrument = %(instrument)s AND labels = '{}'))
    ), part AS (
        SELECT label_set_id, NULL::timestamptz AS bucket, FALSE AS merged,
            count, sum_billionths, NULL::float8 AS sum, buckets
        FROM metrics_total
        UNION ALL
        SELECT label_set_id, unmerged.at, TRUE, count, NULL, sum, buckets
        FROM metrics_unmerged AS unmerged
        JOIN metrics_rollup AS rollup ON resolution = 300 AND node = '' AND rollup.at = unmerged.at
        UNION ALL
        SELECT growing.id, unmerged.at, FALSE, count, NULL, sum, buckets
        FROM metrics_unmerged AS unmerged CROSS JOIN growing
        CROSS JOIN LATERAL (
            SELECT count, sum, buckets FROM metrics_minute
            WHERE label_set_id = growing.id
                AND at >= unmerged.at AND at < unmerged.at + interval '5 minutes' OFFSET 0
        ) AS minute
    )
    SELECT label_set.id, label_set.kind, label_set.instrument, label_set.labels,
        part.bucket, part.merged, part.count, part.sum_billionths, part.sum, part.buckets
    FROM part JOIN growing ON growing.id = part.label_set_id
    JOIN metrics_labelset AS label_set ON label_set.id = part.label_set_id
    ORDER BY label_set.id
"""
WRITE = """
    INSERT INTO metrics_total (label_set_id, count, sum_billionths, buckets)
    SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::numeric[], %s::bytea[])
    ON CONFLICT (label_set_id) DO UPDATE SET
        count = EXCLUDED.count, sum_billionths = EXCLUDED.sum_billionths,
        buckets = EXCLUDED.buckets
"""


@dataclass(frozen=True, slots=True)
class TotalRow:
    """What one label set has come to; `buckets` is empty but for histograms."""

    kind: Kind
    instrument: str
    labels: Mapping[str, str]
    count: int
    sum: float
    buckets: Buckets


def read() -> list[TotalRow]:
    """The totals of all counters and histograms, by instrument and labels.

    Of an instrument with labels these are its label sets, not the total over all of them.
    """
    rows = list(_read())
    with_labels = {row.instrument for row in rows if row.labels}
    told = [row for row in rows if row.labels or row.instrument not in with_labels]
    return sorted(told, key=lambda row: (row.instrument, sorted(row.labels.items())))


def of(instrument: Instrument) -> TotalRow | None:
    """The total of one counter or histogram over all its labels; None before the first."""
    return next(_read(instrument.name), None)


def _read(instrument: str | None = None) -> Iterator[TotalRow]:
    parameters = {"kinds": [kind.value for kind in KINDS], "instrument": instrument}
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(READ, parameters)
        for (_, kind, instrument, labels), rows in groupby(cursor, key=itemgetter(0, 1, 2, 3)):
            parts = Parts()
            for _, _, _, _, *part in rows:
                parts.take(*part)
            yield parts.whole(Kind(kind), instrument, orjson.loads(labels))


@dataclass(slots=True)
class Parts:
    """What the total of one label set is put together from."""

    count: int = 0
    billionths: int = 0
    buckets: Buckets = field(default_factory=dict)
    merged: dict[datetime, Aggregate] = field(default_factory=dict)
    minutes: dict[datetime, list[Aggregate]] = field(default_factory=dict)

    def take(
        self, at: datetime, is_merged: bool, count: int, exact: Decimal | None,
        sum: float, buckets: bytes | None,
    ) -> None:  # fmt: skip
        part = Aggregate(count, sum, buckets=decode(buckets) if buckets else {})
        if exact is not None:
            self.count, self.billionths, self.buckets = count, int(exact), part.buckets
        elif is_merged:
            self.merged[at] = part
        else:
            self.minutes.setdefault(at, []).append(part)

    def whole(self, kind: Kind, instrument: str, labels: Mapping[str, str]) -> TotalRow:
        for at, minutes in self.minutes.items():
            self.replace(self.merged.get(at), over_time(minutes))
        sum_ = self.billionths / BILLION
        return TotalRow(kind, instrument, labels, self.count, sum_, self.buckets)

    def replace(self, before: Aggregate | None, after: Aggregate) -> None:
        self.count += after.count
        self.billionths += billionths(after.sum)
        merge(self.buckets, after.buckets)
        if before is not None:
            self.count -= before.count
            self.billionths -= billionths(before.sum)
            merge(self.buckets, {index: -count for index, count in before.buckets.items()})


def replace(changed: Mapping[int, tuple[Aggregate | None, Aggregate]]) -> None:
    """Take out of the totals of these label sets what rollups were, and add what they are.

    Part of the transaction that writes the rollups; nobody else does so meanwhile.
    """
    known = {
        label_set: Parts(count, int(exact), decode(buckets) if buckets else {})
        for label_set, count, exact, buckets in Total.objects.filter(
            label_set__in=changed
        ).values_list("label_set_id", "count", "sum_billionths", "buckets")
    }
    for label_set, (before, after) in changed.items():
        known.setdefault(label_set, Parts()).replace(before, after)
    rows = [
        (label_set, each.count, each.billionths, encode(each.buckets) if each.buckets else None)
        for label_set, each in known.items()
    ]
    if rows:
        with connection.cursor() as cursor:
            cursor.execute(WRITE, [list(column) for column in zip(*rows, strict=True)])


def billionths(value: float) -> int:
    """Whole ones. What is no number can't be added to one and counts as nothing."""
    return round(min(max(value, -LARGEST), LARGEST) * BILLION) if isfinite(value) else 0
