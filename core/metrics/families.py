"""The metrics as Prometheus knows them: families of samples with labels.

A histogram's buckets are told at every power of two, which are bounds of ours too: no count is
estimated.
"""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import attrgetter

from django.conf import settings
from prometheus_client.core import (
    Exemplar,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
    Sample,
    StateSetMetricFamily,
)
from prometheus_client.utils import floatToGoString

from core import ids
from core.alerts import queries as alerts
from core.health.board import Health, board
from core.metrics import instruments
from core.metrics.histogram import PER_DOUBLING, Buckets
from core.metrics.instruments import Kind
from core.metrics.latest import Labels, Slow, labels_of
from core.metrics.totals import TotalRow

PREFIX = "nexus_"
UNITS = ("seconds", "bytes", "bytes_per_second", "percent")  # that names end with
MOST_EXEMPLAR = 128  # characters of an exemplar's labels, as OpenMetrics has it
INFINITE = "+Inf"

Bounds = Sequence[tuple[int, str]]  # the last bucket below each, and the bound as it is written


def _bounds(exponents: Iterable[int]) -> Bounds:
    return [(each * PER_DOUBLING, floatToGoString(2.0**each)) for each in exponents]


SECONDS = _bounds(range(-10, 7))  # 1 ms to 64 s
OTHERS = _bounds(range(0, 39, 2))  # 1 to 2^38, the last below what counts as the largest


def of_instance() -> Iterator[Metric]:
    """Which build this is, how its components are as far as this process knows, and how many
    alerts are open."""
    build = {
        "version": settings.VERSION,
        "environment": settings.ENVIRONMENT,
        "python": platform.python_version(),
    }
    yield InfoMetricFamily(f"{PREFIX}build", "The release of Nexus that runs.", value=build)
    status = StateSetMetricFamily(
        f"{PREFIX}component_status", "How a component of the instance is.", labels=["component"]
    )
    for standing in board.standings():
        states = {each.value: standing.health == each for each in Health}
        status.add_metric([standing.component.name], states)
    if status.samples:
        yield status
    open_alerts = GaugeMetricFamily(
        f"{PREFIX}alerts_open", "Alerts that nobody is at.", labels=["severity"]
    )
    for severity, count in alerts.open_by_severity().items():
        open_alerts.add_metric([severity], count)
    yield open_alerts


def of_totals(
    rows: Iterable[TotalRow], exemplars: Mapping[tuple[str, Labels], Slow]
) -> Iterator[Metric]:
    """Counters and histograms, of what `core.metrics.totals.read` returns."""
    for (name, kind), group in groupby(rows, key=attrgetter("instrument", "kind")):
        if kind is Kind.COUNTER:
            yield _counter(name, group)
        else:
            yield _histogram(name, group, exemplars)


def of_gauges(found: Mapping[str, Mapping[Labels, float]]) -> Iterator[Metric]:
    """Of what `core.metrics.latest.gauges` returns."""
    for name, values in found.items():
        family = _family(name, "gauge")
        for labels, value in values.items():
            family.samples.append(Sample(family.name, dict(labels), value))
        yield family


def _family(instrument: str, kind: str) -> Metric:
    """Without a help text where the plugin that declared it is gone."""
    known = instrument in instruments.registry
    help_ = instruments.registry.get(instrument).help if known else ""
    unit = next((each for each in UNITS if instrument.endswith(f"_{each}")), "")
    return Metric(PREFIX + instrument, help_, kind, unit)


def _counter(instrument: str, rows: Iterable[TotalRow]) -> Metric:
    family = _family(instrument.removesuffix("_total"), "counter")
    for row in rows:
        family.samples.append(Sample(f"{family.name}_total", dict(row.labels), max(row.sum, 0.0)))
    return family


def _histogram(
    instrument: str, rows: Iterable[TotalRow], exemplars: Mapping[tuple[str, Labels], Slow]
) -> Metric:
    family = _family(instrument, "histogram")
    bounds = SECONDS if family.unit == "seconds" else OTHERS
    for row in rows:
        labels = dict(row.labels)
        slow = exemplars.get((instrument, labels_of(labels)))
        for bound, seen in _cumulated(row.buckets, row.count, bounds):
            exemplar = None
            if slow is not None and slow.value <= float(bound):
                exemplar, slow = _exemplar(slow), None
            told = {**labels, "le": bound}
            family.samples.append(Sample(f"{family.name}_bucket", told, seen, None, exemplar))
        family.samples.append(Sample(f"{family.name}_count", labels, row.count))
        family.samples.append(Sample(f"{family.name}_sum", labels, max(row.sum, 0.0)))
    return family


def _cumulated(buckets: Buckets, count: int, bounds: Bounds) -> Iterator[tuple[str, int]]:
    rising = sorted(buckets.items())
    seen = place = 0
    for last, bound in bounds:
        while place < len(rising) and rising[place][0] <= last:
            seen += rising[place][1]
            place += 1
        yield bound, seen
    yield INFINITE, count


def _exemplar(slow: Slow) -> Exemplar | None:
    """None when the id is longer than an exemplar may be: a part of it would find nothing."""
    try:
        ids.internal("task", slow.id)
        name = "task_id"
    except ValueError:
        name = "request_id"
    if len(name) + len(slow.id) > MOST_EXEMPLAR:
        return None
    return Exemplar({name: slow.id}, slow.value, slow.time)
