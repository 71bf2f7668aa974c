"""Rows of minutes as processes write them: with their label set, source and mark."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from django.db import connection, transaction

from core import options
from core.metrics import partitions
from core.metrics.histogram import Distribution, encode
from core.metrics.instruments import Kind
from core.metrics.models import LabelSet, Minute, Source
from core.metrics.resolutions import FIVE_MINUTES, MINUTE

NAMESPACE = UUID(int=0)
NAMES = {
    Kind.COUNTER: "test_errors",
    Kind.HISTOGRAM: "test_duration_seconds",
    Kind.GAUGE: "test_memory_bytes",
    Kind.MEAN_GAUGE: "test_cpu_percent",
}
FIGURES = ("count", "sum", "weight", "low", "high", "buckets", "exemplar")
MARK = """
    INSERT INTO metrics_unmerged (at) SELECT * FROM unnest(%s::timestamptz[]) AS at ORDER BY at
    ON CONFLICT (at) DO UPDATE SET at = EXCLUDED.at
"""


def now() -> datetime:
    """By the clock of the database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0].astimezone(UTC)


def ago(*, minutes: float = 0, hours: float = 0, days: float = 0) -> datetime:
    """The start of the minute of that time ago."""
    return MINUTE.floor(now() - timedelta(days=days, hours=hours, minutes=minutes))


def kept(*, hours: int) -> AbstractContextManager[None]:
    """Within the block minutes are kept for so long."""
    return options.replaced({"metrics.keep_1m_hours": hours})


def label_set(*, kind: Kind = Kind.HISTOGRAM, instrument: str = "", **labels: str) -> LabelSet:
    name = instrument or NAMES[kind]
    defaults = {"kind": kind.value}
    return LabelSet.objects.get_or_create(instrument=name, labels=labels, defaults=defaults)[0]


def source(number: int = 1, *, node: str = "here", role: str = "web") -> Source:
    process = uuid5(NAMESPACE, f"{node} {role} {number}")
    known = {"node": node, "role": role, "pid": number, "flushed_until": now()}
    return Source.objects.get_or_create(process=process, defaults=known)[0]


def minute(
    *,
    at: datetime,
    label_set: LabelSet,
    source: Source,
    values: Sequence[float] | None = None,
    count: int = 1,
    sum: float = 0.0,
    weight: float = 0.0,
    low: float | None = None,
    high: float | None = None,
    exemplar: dict[str, Any] | None = None,
) -> Minute:
    """One row, not written yet; `values` make it a histogram's."""
    buckets = None
    if values is not None:
        seen = Distribution()
        for value in values:
            seen.add(value)
        count, sum, low, high, buckets = (
            seen.count, seen.sum, seen.low, seen.high, encode(seen.buckets),
        )  # fmt: skip
    return Minute(
        label_set=label_set, source=source, at=at, count=count, sum=sum, weight=weight,
        low=low, high=high, buckets=buckets, exemplar=exemplar,
    )  # fmt: skip


@transaction.atomic
def write(minutes: Iterable[Minute]) -> None:
    """Write rows, instead of those that are there, and mark them as unmerged, as a flush does."""
    written = list(minutes)
    partitions.ensure({each.at.date() for each in written})
    marks = sorted({FIVE_MINUTES.floor(each.at) for each in written})
    with connection.cursor() as cursor:
        cursor.execute(MARK, [marks])
    Minute.objects.bulk_create(
        written, batch_size=2000, update_conflicts=True, update_fields=FIGURES,
        unique_fields=("label_set", "at", "source"),
    )  # fmt: skip


def measured(*, at: datetime, **given: Any) -> Minute:
    """Write one row of a histogram of one process, unless other things are given."""
    kind = given.pop("kind", Kind.HISTOGRAM)
    if kind is Kind.HISTOGRAM:
        given.setdefault("values", [1.0])
    chosen = given.pop("label_set", None) or label_set(kind=kind)
    process = given.pop("source", None) or source()
    made = minute(at=at, label_set=chosen, source=process, **given)
    write([made])
    return made
