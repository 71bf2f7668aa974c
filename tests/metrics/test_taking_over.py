"""A process that takes over from another within a minute: there was never twice as much."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.metrics import queries, series
from core.metrics.instruments import Kind
from core.metrics.resolutions import DAY, FIVE_MINUTES, MINUTE
from tests.metrics import rows
from tests.metrics.merged import merge

pytestmark = pytest.mark.django_db
MIB = 2**20
SECOND = timedelta(seconds=1)


def measure(at, *spans: tuple[float, float]) -> None:
    """Processes of 100 MiB each, that were there from and to a second of the minute at `at`."""
    label_set = rows.label_set(instrument="process_memory_bytes", kind=Kind.GAUGE)
    written = []
    for number, (began, ended) in enumerate(spans):
        source = rows.source(number)
        source.started_at, source.flushed_until = at + began * SECOND, at + ended * SECOND
        source.save()
        seconds = min(ended, 60.0) - max(began, 0.0)
        figures = {"sum": 100 * MIB * seconds, "low": 100 * MIB, "high": 100 * MIB}
        written.append(
            rows.minute(at=at, label_set=label_set, source=source, weight=seconds, **figures)
        )
    rows.write(written)


@pytest.mark.parametrize(
    ("spans", "mean"),
    [
        ([(-600, 30), (30, 600)], 100),
        ([(-600, 600), (-600, 30), (30, 600)], 200),
        ([(-600, 30), (40, 600)], 100),
        ([(30, 600), (30, 600)], 200),
        ([(-600, 20)], 100),
    ],
    ids=["one after the other", "beside another", "after a pause", "from the middle", "until then"],
)
def test_a_sum_over_processes_counts_each_for_its_time(begin, spans, mean):
    measure(begin, *spans)
    memory = series.named("memory_usage_mb")

    def told(resolution):
        found = queries.points(
            series=[memory], start=begin, end=begin + DAY.step, resolution=resolution
        )
        return [point["value"] for point in found["memory_usage_mb"]]

    assert told(MINUTE) == told(FIVE_MINUTES) == [pytest.approx(mean, abs=1e-6)]
    merge()
    assert told(FIVE_MINUTES) == [pytest.approx(mean, abs=1e-6)]
    summary = queries.summary(start=begin, end=begin + DAY.step)
    assert summary["resources"]["peak_memory_mb"] == pytest.approx(mean, abs=1e-6)
