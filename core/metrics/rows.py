"""What was recorded in a minute, as the rows that are written of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson

from core.metrics import instruments
from core.metrics.histogram import encode
from core.metrics.instruments import Instrument, Kind
from core.metrics.recorder import Cell, Minute
from core.text import storable


@dataclass(frozen=True, slots=True)
class Row:
    """One row of `models.Minute` by what tells its label set and its source; `labels` and
    `exemplar` are JSON."""

    instrument: str
    kind: str
    labels: str
    process: UUID
    at: datetime
    count: int
    sum: float
    weight: float
    low: float | None
    high: float | None
    buckets: bytes | None
    exemplar: str | None


def rows(minute: Minute) -> Iterator[Row]:
    """What the database doesn't have yet. Beside its label sets, an instrument with labels has
    the total of all of them.

    Left out is what no instrument that is declared (any more) can have recorded.
    """
    sets: dict[Instrument, list[Cell]] = {}
    for (name, values), cell in minute.cells.items():
        instrument = instruments.registry.get(name) if name in instruments.registry else None
        if instrument is None or len(values) != len(instrument.labels):
            continue
        if values:
            sets.setdefault(instrument, []).append(cell)
        if cell.written != cell.count:
            yield _row(minute, instrument, values, cell)
    for instrument, cells in sets.items():
        if any(cell.written != cell.count for cell in cells):
            yield _row(minute, instrument, (), total(instrument.kind, cells))


def total(kind: Kind, cells: Iterable[Cell]) -> Cell:
    """All label sets of an instrument together.

    Gauges that add up do so over label sets too: what there was of all at once is known as a
    mean only.
    """
    whole = Cell()
    for cell in cells:
        whole.merge(cell)
        parts = (whole.weight, cell.weight)
        whole.weight = max(parts) if kind is Kind.GAUGE else sum(parts)
        if cell.exemplar and (whole.exemplar is None or cell.exemplar > whole.exemplar):
            whole.exemplar = cell.exemplar
    if kind is Kind.GAUGE and whole.weight:
        whole.low = whole.high = whole.sum / whole.weight
    return whole


def _row(minute: Minute, instrument: Instrument, values: tuple[str, ...], cell: Cell) -> Row:
    has_bounds = cell.low <= cell.high
    return Row(
        instrument=instrument.name,
        kind=instrument.kind.value,
        labels=_json(dict(zip(instrument.labels, values, strict=False))),
        process=minute.source,
        at=datetime.fromtimestamp(minute.at, UTC),
        count=cell.count,
        sum=float(cell.sum),
        weight=float(cell.weight),
        low=float(cell.low) if has_bounds else None,
        high=float(cell.high) if has_bounds else None,
        buckets=encode(cell.buckets) if cell.buckets else None,
        exemplar=_exemplar(cell),
    )


def _exemplar(cell: Cell) -> str | None:
    if cell.exemplar is None:
        return None
    value, id_, moment = cell.exemplar
    return _json({"value": value, "id": storable(id_), "time": moment})


def _json(document: dict[str, Any]) -> str:
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS).decode()
