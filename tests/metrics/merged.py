"""The rollups as they have to be, straight from the values."""

from __future__ import annotations

from collections import defaultdict

from core.metrics.histogram import Distribution, encode
from core.metrics.instruments import Instrument, Kind
from core.metrics.models import LabelSet, Rollup, Unmerged
from core.metrics.resolutions import FIVE_MINUTES, ROLLUPS
from tests.metrics.expected import gauge_totals
from tests.metrics.measured import Measured, Value


def merge(measured: Measured, *, every: int = 1) -> None:
    """Merge what is unmerged, perhaps only every second or third of the five minutes."""
    marks = list(Unmerged.objects.order_by("at").values_list("at", flat=True))[::every]
    Unmerged.objects.filter(at__in=marks).delete()
    behind = set(Unmerged.objects.values_list("at", flat=True))
    known = [each for each in measured.values if FIVE_MINUTES.floor(each.at) not in behind]
    Rollup.objects.all().delete()
    buckets: dict[tuple, list[Value]] = defaultdict(list)
    for each in known:
        for resolution in ROLLUPS:
            for labels in {each.labels, ()}:
                for node in ("", each.process.node):
                    at = resolution.floor(each.at)
                    buckets[each.instrument, labels, resolution.seconds, node, at].append(each)
    sets = {
        (each.instrument, frozenset(each.labels.items())): each.pk
        for each in LabelSet.objects.all()
    }
    Rollup.objects.bulk_create(
        Rollup(
            label_set_id=sets[instrument.name, labels_of(instrument, labels)],
            resolution=seconds, node=node, at=at,
            **row(instrument.kind, values),
        )
        for (instrument, labels, seconds, node, at), values in buckets.items()
    )  # fmt: skip


def labels_of(instrument: Instrument, values: tuple[str, ...]) -> frozenset[tuple[str, str]]:
    return frozenset(zip(instrument.labels, values, strict=True)) if values else frozenset()


def row(kind: Kind, values: list[Value]) -> dict[str, object]:
    if kind is Kind.HISTOGRAM:
        seen = Distribution()
        for each in values:
            seen.add(each.value)
        p50, p95, p99 = seen.quantiles((0.50, 0.95, 0.99))
        return {
            "count": seen.count, "sum": seen.sum, "low": seen.low, "high": seen.high,
            "buckets": encode(seen.buckets), "p50": p50, "p95": p95, "p99": p99,
        }  # fmt: skip
    if kind is Kind.COUNTER:
        return {"count": len(values), "sum": sum(each.value for each in values)}
    total = sum(each.value * each.seconds for each in values)
    if kind is Kind.MEAN_GAUGE:
        weight = sum(each.seconds for each in values)
        heights = [each.value for each in values]
    else:
        weight, heights = 0.0, []
        for low, high, longest in gauge_totals(values):
            weight += longest
            heights += [low, high]
    return {
        "count": len(values), "sum": total, "weight": weight,
        "low": min(heights), "high": max(heights),
    }  # fmt: skip
