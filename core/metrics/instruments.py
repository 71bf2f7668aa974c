"""What is measured: instruments, declared where the measuring happens.

    DURATION = instruments.histogram(
        "task_duration_seconds", unit="s", labels=("type", "status"),
        help="How long tasks ran.",
    )
    DURATION.record(1.25, "cache.clear", "completed")

Recording costs microseconds, needs no database and never raises for what a value is; a value
for another number of labels than were declared raises TypeError.
`core.metrics.flushing` writes what was recorded. Names follow OpenMetrics: snake case, the unit
at the end; labels must have few values each, for every set of labels is kept by itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from math import inf
from typing import NoReturn, TypeVar

from core.metrics.recorder import OWN_LABEL_SETS, Cell, recorder
from core.registry import Registry

_NAME = re.compile(r"[a-z][a-z0-9_]{2,99}")
RESERVED_LABELS = {"process", "node", "le", "quantile"}


class Kind(StrEnum):
    """How an instrument's figures come together over time and over processes."""

    COUNTER = "counter"  # grows; the growth adds up
    HISTOGRAM = "histogram"  # a distribution; merges
    GAUGE = "gauge"  # goes up and down; adds up over processes, such as memory
    MEAN_GAUGE = "mean_gauge"  # goes up and down; is averaged over processes, such as a share


@dataclass(frozen=True, eq=False)
class Instrument:
    """`unit` is what values are in: s, bytes, percent, or "" for plain numbers."""

    name: str
    kind: Kind
    unit: str
    help: str
    labels: tuple[str, ...] = ()

    @property
    def is_gauge(self) -> bool:
        return self.kind in (Kind.GAUGE, Kind.MEAN_GAUGE)

    def _refuse(self, labels: tuple[str, ...]) -> NoReturn:
        wanted = ", ".join(self.labels) or "none"
        raise TypeError(f"{self.name} was given {len(labels)} labels; it has: {wanted}")


class Counter(Instrument):
    def add(self, amount: float, *labels: str) -> None:
        """Grow by `amount`, which is not negative."""
        if len(labels) != len(self.labels):
            self._refuse(labels)
        recorder.note(self.name, labels, Cell.grow, amount)


class Histogram(Instrument):
    def record(self, value: float, *labels: str, exemplar: str | None = None) -> None:
        """One value; `exemplar` is the id of the request or task that it belongs to."""
        if len(labels) != len(self.labels):
            self._refuse(labels)
        recorder.note(self.name, labels, Cell.see, value, exemplar)


class Gauge(Instrument):
    def set(self, value: float, *labels: str, seconds: float) -> None:
        """It was `value` during the last `seconds`; with none it was nothing."""
        if len(labels) != len(self.labels):
            self._refuse(labels)
        if 0 < seconds < inf:
            recorder.note(self.name, labels, Cell.stay, value, float(seconds))


registry: Registry[Instrument] = Registry("instrument")
Made = TypeVar("Made", bound=Instrument)


def counter(
    name: str, *, help: str, unit: str = "", labels: tuple[str, ...] = (), label_sets: int = 0
) -> Counter:
    """Declare a counter. `label_sets`: how many are kept apart, where that is more than the
    option of that name says. Raises ValueError for a bad name, AlreadyRegistered for a taken one.
    """
    return _declare(Counter, name, Kind.COUNTER, unit, help, labels, label_sets)


def histogram(
    name: str, *, unit: str, help: str, labels: tuple[str, ...] = (), label_sets: int = 0
) -> Histogram:
    """Declare a histogram. Arguments are, and it raises, as those of `counter`."""
    return _declare(Histogram, name, Kind.HISTOGRAM, unit, help, labels, label_sets)


def gauge(
    name: str, *, unit: str, help: str, labels: tuple[str, ...] = (), adds_up: bool = True
) -> Gauge:
    """Declare a gauge: over processes and nodes it adds up, or is averaged. Raises as `counter`
    does."""
    kind = Kind.GAUGE if adds_up else Kind.MEAN_GAUGE
    return _declare(Gauge, name, kind, unit, help, labels)


def _declare(
    make: type[Made],
    name: str,
    kind: Kind,
    unit: str,
    help: str,
    labels: tuple[str, ...],
    label_sets: int = 0,
) -> Made:
    for each in (name, *labels):
        if not _NAME.fullmatch(each) or each in RESERVED_LABELS:
            raise ValueError(f"{each!r} can't be the name of an instrument or label")
    made = make(name, kind, unit, help, labels)
    registry.add(name, made)
    if label_sets:
        OWN_LABEL_SETS[name] = label_sets
    return made
