"""The few figures that say how the instance did over a range of time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone

from core.metrics import reading
from core.metrics.figures import NOTHING, Figures
from core.metrics.instruments import Instrument
from core.metrics.models import LabelSet
from core.metrics.reading import Key, Wanted
from core.metrics.resolutions import DAY, MINUTE
from core.metrics.spans import Span, cover, cut
from core.metrics.standard import (
    GIB,
    MIB,
    NODE_CPU,
    NODE_DISK_USED,
    PROCESS_MEMORY,
    REQUEST_DURATION,
    REQUEST_ERRORS,
)

REQUESTS = REQUEST_DURATION.name
ERRORS = REQUEST_ERRORS.name
CPU = NODE_CPU.name
MEMORY = PROCESS_MEMORY.name
DISK = NODE_DISK_USED.name
STATUS = "status"


def summary(*, start: datetime, end: datetime) -> dict[str, Any]:
    """Requests, errors and resources from `start` to `end`, both widened to whole minutes, or to
    what is kept that long.

    What nothing is known of is None. Resources are numbers always: those that were not measured
    are 0.0 and named in `not_measured`.
    """
    start, end = cut(start, end, now=timezone.now())
    unmerged = reading.horizon(start, end).unmerged
    spans = cover(start, end, largest=DAY, unmerged=unmerged)
    wanted = _label_sets()
    disks = [each for each in wanted if each.key == Key(DISK)]
    rest = [each for each in wanted if each.key != Key(DISK)]
    found = reading.read(rest, spans, resolution=None, merged={REQUESTS})
    whole = {key: figures for (key, _), each in found.items() for figures in each.values()}
    requests = whole.get(Key(REQUESTS), NOTHING)
    by_status = {
        key.group: round(figures.sum)
        for key, figures in sorted(whole.items(), key=lambda item: item[0].group)
        if key.instrument == ERRORS
    }
    return {
        **_requests(requests, by_status),
        "resources": _resources(whole, _newest(disks, spans)),
    }


def lately(instrument: Instrument, *, minutes: int) -> Figures:
    """What was measured of an instrument in the last minutes, over all its labels."""
    label_set = LabelSet.objects.filter(instrument=instrument.name, labels={}).first()
    if label_set is None:
        return NOTHING
    now = timezone.now()
    start, end = cut(now - timedelta(minutes=minutes), now, now=now)
    spans = cover(start, end, largest=MINUTE, unmerged=[])
    key = Key(instrument.name)
    found = reading.read([Wanted(label_set.pk, label_set.kind, key)], spans, resolution=None)
    return next(iter(found.get((key, ""), {}).values()), NOTHING)


def _label_sets() -> list[Wanted]:
    totals = Q(instrument__in=(REQUESTS, CPU, MEMORY, DISK), labels={})
    by_status = Q(instrument=ERRORS, labels__has_key=STATUS)
    rows = LabelSet.objects.filter(totals | by_status)
    return [
        Wanted(pk, kind, Key(instrument, str(labels.get(STATUS, ""))))
        for pk, kind, instrument, labels in rows.values_list("pk", "kind", "instrument", "labels")
    ]


def _newest(wanted: Sequence[Wanted], spans: Sequence[Span]) -> float | None:
    return reading.newest(wanted[0], spans) if wanted else None


def _requests(seen: Figures, by_status: dict[str, int]) -> dict[str, Any]:
    """A request and its error may lie on two sides of a minute's end: no more than all fail."""
    errors = sum(by_status.values())
    rate = min(errors / seen.count, 1.0) if seen.count else None
    return {
        "requests": {
            "total": seen.count,
            "success_rate": None if rate is None else 1 - rate,
            "avg_response_time_ms": _milliseconds(seen.mean),
            "p95_response_time_ms": _milliseconds(seen.p95),
            "p99_response_time_ms": _milliseconds(seen.p99),
        },
        "errors": {"total": errors, "rate": rate, "by_status": by_status},
    }


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1000


def _resources(whole: dict[Key, Figures], disk: float | None) -> dict[str, Any]:
    memory = whole.get(Key(MEMORY), NOTHING)
    measured = {
        "avg_cpu_percent": (whole.get(Key(CPU), NOTHING).level, 1),
        "avg_memory_mb": (memory.level, MIB),
        "peak_memory_mb": (memory.high, MIB),
        "disk_usage_gb": (disk, GIB),
    }
    return {
        **{
            name: 0.0 if value is None else value / unit for name, (value, unit) in measured.items()
        },
        "not_measured": [name for name, (value, _) in measured.items() if value is None],
    }
