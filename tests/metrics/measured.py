"""Raw values, the minute rows that processes make of them, and what is true of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from uuid import uuid4

from core.metrics import partitions
from core.metrics.histogram import encode
from core.metrics.instruments import Instrument, Kind
from core.metrics.models import LabelSet, Minute, Source, Unmerged
from core.metrics.recorder import Cell
from core.metrics.resolutions import FIVE_MINUTES, MINUTE, Resolution
from core.metrics.series import Series

LATENCY = Instrument("test_latency_seconds", Kind.HISTOGRAM, "s", "test", ("route", "status"))
FAILED = Instrument("test_failed", Kind.COUNTER, "", "test", ("status",))
MEMORY = Instrument("test_memory_bytes", Kind.GAUGE, "bytes", "test", ("role",))
SHARE = Instrument("test_share_percent", Kind.MEAN_GAUGE, "percent", "test")


@dataclass(frozen=True)
class Process:
    node: str
    role: str
    pid: int

    def __str__(self) -> str:
        return f"{self.role}@{self.node}:{self.pid}"


ONE = Process("alpha", "web", 1)
TWO = Process("alpha", "web", 2)
THREE = Process("beta", "web", 1)
WORKER = Process("beta", "worker", 7)


@dataclass(frozen=True)
class Value:
    """One value of a histogram, growth of a counter, or what a gauge was for `seconds`."""

    instrument: Instrument
    process: Process
    at: datetime
    value: float
    labels: tuple[str, ...] = ()
    seconds: float = 0.0


@dataclass
class Measured:
    """All that was ever measured; `write` makes the rows of what is new."""

    values: list[Value] = field(default_factory=list)
    sources: dict[Process, Source] = field(default_factory=dict)

    def add(self, values: Iterable[Value]) -> None:
        """Measure, and write as a process does: whole minutes, marked as unmerged."""
        new = list(values)
        self.values += new
        minutes = {(each.process, MINUTE.floor(each.at)) for each in new}
        cells: dict[tuple[str, str, tuple[str, ...], Process, datetime], Cell] = {}
        for each in self.values:
            if (each.process, MINUTE.floor(each.at)) in minutes:
                for labels in {each.labels, ()}:
                    key = (each.instrument.name, each.instrument.kind, labels, each.process)
                    _count(cells.setdefault((*key, MINUTE.floor(each.at)), Cell()), each)
        self._write(cells, {each.instrument.name: each.instrument for each in new})
        starts = {FIVE_MINUTES.floor(at) for _, at in minutes}
        Unmerged.objects.bulk_create([Unmerged(at=at) for at in starts], ignore_conflicts=True)

    def _write(self, cells, instruments: dict[str, Instrument]) -> None:
        partitions.ensure({at.date() for *_, at in cells})
        rows = []
        for (name, kind, values, process, at), cell in cells.items():
            labels = dict(zip(instruments[name].labels, values, strict=False)) if values else {}
            label_set, _ = LabelSet.objects.get_or_create(
                instrument=name, labels=labels, defaults={"kind": kind}
            )
            rows.append(
                Minute(
                    label_set_id=label_set.pk, at=at, source_id=self.source(process).pk,
                    count=cell.count, sum=cell.sum, weight=cell.weight,
                    low=None if kind == Kind.COUNTER else cell.low,
                    high=None if kind == Kind.COUNTER else cell.high,
                    buckets=encode(cell.buckets) if kind == Kind.HISTOGRAM else None,
                )
            )  # fmt: skip
        Minute.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["label_set_id", "at", "source_id"],
            update_fields=["count", "sum", "weight", "low", "high", "buckets"],
        )  # fmt: skip

    def source(self, process: Process) -> Source:
        if process not in self.sources:
            self.sources[process] = Source.objects.create(
                process=uuid4(), node=process.node, role=process.role, pid=process.pid,
                flushed_until=datetime.fromisoformat("2020-01-01T00:00Z"),
            )  # fmt: skip
        return self.sources[process]

    def flushed(self, until: datetime) -> None:
        Source.objects.update(flushed_until=until)

    def buckets(
        self, instrument: Instrument, start: datetime, end: datetime, resolution: Resolution
    ) -> dict[datetime, list[Value]]:
        """The values of each bucket that a question for this range is about."""
        found: dict[datetime, list[Value]] = defaultdict(list)
        for each in self.values:
            at = resolution.floor(each.at)
            if each.instrument == instrument and resolution.floor(start) <= at < end:
                found[at].append(each)
        return dict(sorted(found.items()))


def values(begin: datetime, *, seed: int = 1, minutes: int = 200) -> list[Value]:
    """Some hours of four processes on two nodes, with minutes in which nothing happens."""
    chance = Random(seed)
    made = []
    for number in range(minutes):
        at = begin + timedelta(minutes=number)
        for process in (ONE, TWO, THREE, WORKER):
            if number % 23 in (3, 4) or chance.random() < 0.2:
                continue
            for _ in range(chance.randrange(4)):
                moment = at + timedelta(seconds=chance.uniform(0, 59))
                labels = (chance.choice(["/a", "/b"]), chance.choice(["200", "404", "500"]))
                duration = chance.lognormvariate(-3, 1)
                made.append(Value(LATENCY, process, moment, duration, labels))
                if labels[1] != "200":
                    made.append(Value(FAILED, process, moment, 1, labels[1:]))
            for half in range(2):
                moment = at + timedelta(seconds=30 * half)
                made += (
                    Value(MEMORY, process, moment, chance.uniform(1e8, 2e8), (process.role,), 30),
                    Value(SHARE, process, moment, chance.uniform(0, 100), (), 30),
                )
    return made


def _count(cell: Cell, value: Value) -> None:
    match value.instrument.kind:
        case Kind.HISTOGRAM:
            cell.add(value.value)
        case Kind.COUNTER:
            cell.count += 1
            cell.sum += value.value
        case _:
            cell.count += 1
            cell.sum += value.value * value.seconds
            cell.weight += value.seconds
            cell.low = min(cell.low, value.value)
            cell.high = max(cell.high, value.value)


def series(instrument: Instrument, statistic: str, **more) -> Series:
    return Series(f"{instrument.name}:{statistic}", instrument, statistic, "", "", **more)
