"""Which routes are asked most, and how they do."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.utils import timezone

from core.metrics import reading
from core.metrics.models import LabelSet
from core.metrics.reading import Key, Wanted
from core.metrics.resolutions import DAY
from core.metrics.spans import cover, cut
from core.metrics.summaries import REQUESTS

FAILED = "failed"  # stands for an instrument in keys
ROUTE = "route"
STATUS = "status"


def routes(*, start: datetime, end: datetime, limit: int) -> list[dict[str, Any]]:
    """At most `limit` routes, the busiest first, from `start` to `end` in whole minutes: how many
    requests, how many a second, their mean and p95 in ms, and how many were answered with an
    error."""
    start, end = cut(start, end, now=timezone.now())
    horizon = reading.horizon(start, end)
    spans = cover(start, end, largest=DAY, unmerged=horizon.unmerged)
    found = reading.read(list(_wanted()), spans, resolution=None, merged={REQUESTS})
    whole = {key: figures for (key, _), each in found.items() for figures in each.values()}
    seconds = (min(end, horizon.known_until or end) - start).total_seconds()
    told: list[dict[str, Any]] = [
        {
            "route": key.group,
            "requests": figures.count,
            "per_second": figures.count / seconds if seconds > 0 else None,
            "mean_ms": None if figures.mean is None else figures.mean * 1000,
            "p95_ms": None if figures.p95 is None else figures.p95 * 1000,
            "errors": whole[failed].count if (failed := Key(FAILED, key.group)) in whole else 0,
        }
        for key, figures in whole.items()
        if key.instrument == REQUESTS
    ]
    return sorted(told, key=lambda each: (-each["requests"], each["route"]))[:limit]


def _wanted() -> Iterator[Wanted]:
    """The label sets of each route, and once more those of its errors."""
    rows = LabelSet.objects.filter(instrument=REQUESTS, labels__has_keys=[ROUTE, STATUS])
    for pk, kind, since, labels in rows.values_list("pk", "kind", "created_at", "labels"):
        yield Wanted(pk, kind, Key(REQUESTS, labels[ROUTE]), since)
        if labels[STATUS] >= "400":
            yield Wanted(pk, kind, Key(FAILED, labels[ROUTE]), since)
