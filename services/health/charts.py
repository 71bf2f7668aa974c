"""How a service answered over time, for a chart."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from core.metrics import reading
from core.metrics.figures import NOTHING
from core.metrics.ranges import starts_in
from core.metrics.reading import Key
from core.metrics.resolutions import FIVE_MINUTES
from core.metrics.spans import cover
from services.health.measuring import FAILURES, LATENCY
from services.health.queries import label_sets, summed

LENGTH = timedelta(hours=24)
RESOLUTION = FIVE_MINUTES
Values = list[float | None]


@dataclass(frozen=True, slots=True)
class Chart:
    """The last day in equal steps: the mean of what it took to answer, and of the looks the
    percentage that failed; None where nobody looked."""

    times: list[datetime]
    latency_ms: Values
    error_percent: Values

    @property
    def is_empty(self) -> bool:
        return all(value is None for value in self.latency_ms)


def chart(name: str, *, now: datetime) -> Chart:
    """Two queries, and one more for a service that was looked at."""
    start, end = RESOLUTION.floor(now - LENGTH), RESOLUTION.ceil(now)
    times = starts_in(RESOLUTION, start, end)
    spans = cover(start, end, largest=RESOLUTION, unmerged=reading.horizon(start, end).unmerged)
    found = {
        key: buckets
        for (key, _), buckets in reading.read(
            label_sets([name]), spans, resolution=RESOLUTION
        ).items()
    }
    looks = found.get(Key(LATENCY.name, name), {})
    failed = found.get(Key(FAILURES.name, name), {})
    seen = [summed(looks.get(at, NOTHING), failed.get(at, NOTHING)) for at in times]
    return Chart(
        times,
        latency_ms=[each.mean_ms for each in seen],
        error_percent=[None if each.error_rate is None else each.error_rate * 100 for each in seen],
    )
