"""What can be asked of the metrics: series, by name.

Every instrument answers to `<instrument>:<statistic>`, such as `task_duration_seconds:p95`. The
usual questions have names of their own, such as `response_time_ms`.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import InvalidInput
from core.metrics import instruments
from core.metrics.instruments import Instrument, Kind
from core.registry import Registry

PERCENTILES = {"p50": 0.50, "p95": 0.95, "p99": 0.99}
STATISTICS: dict[Kind, tuple[str, ...]] = {
    Kind.COUNTER: ("rate", "total"),
    Kind.HISTOGRAM: ("mean", "rate", "count", "min", "max", *PERCENTILES),
    Kind.GAUGE: ("mean", "min", "max"),
    Kind.MEAN_GAUGE: ("mean", "min", "max"),
}
SEPARATOR = ":"
RATIO = "ratio"


@dataclass(frozen=True)
class Series:
    """A statistic of an instrument's figures in each bucket of time, times `factor`.

    rate: growth (counters) or values (histograms) per second. `per`, for a statistic "ratio":
    the sum of the counter `instrument` to the count of the histogram `per`. `title` is what
    people read; `unit` is that of the answer.
    """

    name: str
    instrument: Instrument
    statistic: str
    unit: str
    title: str
    factor: float = 1.0
    per: Instrument | None = None

    @property
    def has_mean(self) -> bool:
        """Whether the mean of its values over time says anything: that of percentiles does not,
        nor that of shares of ever other numbers."""
        return self.statistic not in (*PERCENTILES, RATIO)


registry: Registry[Series] = Registry("series")


def declare(
    name: str,
    instrument: Instrument,
    statistic: str,
    *,
    unit: str,
    title: str,
    factor: float = 1.0,
    per: Instrument | None = None,
) -> Series:
    """Give a series a name of its own. Raises AlreadyRegistered for a taken one, ValueError for
    a statistic that the instrument doesn't have."""
    is_ratio = statistic == RATIO and instrument.kind is Kind.COUNTER
    if is_ratio != (per is not None and per.kind is Kind.HISTOGRAM):
        raise ValueError(f"{name}: a ratio is that of a counter to the count of a histogram")
    if not is_ratio and statistic not in STATISTICS[instrument.kind]:
        raise ValueError(f"{name}: {instrument.name} has no statistic {statistic!r}")
    return registry.add(name, Series(name, instrument, statistic, unit, title, factor, per))


def named(name: str) -> Series:
    """The series of that name. Raises InvalidInput for `series`, naming the known ones."""
    if name in registry:
        return registry.get(name)
    instrument, _, statistic = name.partition(SEPARATOR)
    if instrument in instruments.registry:
        known = instruments.registry.get(instrument)
        statistic = statistic or STATISTICS[known.kind][0]
        if statistic in STATISTICS[known.kind]:
            return _of(known, statistic)
        choices = ", ".join(STATISTICS[known.kind])
        message = f"{instrument} has no statistic {statistic!r}; it has: {choices}."
        raise InvalidInput.field("series", "unknown_statistic", message)
    known_names = ", ".join([*sorted(registry.names()), *sorted(instruments.registry.names())])
    message = f"There is no series {name!r}; known: {known_names}."
    raise InvalidInput.field("series", "unknown_series", message)


def _of(instrument: Instrument, statistic: str) -> Series:
    unit = instrument.unit
    if statistic == "rate":
        unit = f"{unit}/s" if instrument.kind is Kind.COUNTER else "/s"
    elif statistic == "count":
        unit = ""
    title = instrument.name.replace("_", " ").capitalize()
    name = f"{instrument.name}{SEPARATOR}{statistic}"
    return Series(name, instrument, statistic, unit, f"{title}, {statistic}")
