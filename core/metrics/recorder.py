"""What this process has recorded and not yet written, by the minute.

A value is noted with its time, and counted a little later together with others: in a loop that
costs a fifth of what it would in the middle of a request, where the caches hold other things.
It counts in the minute it was noted in; a snapshot holds nothing twice and misses nothing. A
minute stays here until all of it is written.
"""

from __future__ import annotations

import logging
import os
import threading
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from math import isfinite
from time import time
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from core import ids, options
from core.metrics.histogram import Distribution
from core.text import storable

logger = logging.getLogger(__name__)

MINUTE_SECONDS = 60
MOST_NOTED = 128  # then whoever notes another counts them, which takes a tenth of a millisecond
MOST_MINUTES = 120  # kept while the database is away
MOST_LABEL = 200  # characters of one label
MOST_LABEL_BYTES = 1500  # of all labels of a set: an index that refuses one would stop the rest
STEP_BACK = 2  # minutes that the clock may go back before it makes this another source
OTHER = "(other)"

LABEL_SETS = options.declare(
    "metrics.label_sets", Annotated[int, Field(ge=10, le=10_000)], default=500,
    help="How many sets of labels, such as method, route and status, each process keeps apart"
    " for one instrument in one minute. What goes beyond is counted as (other).",
)  # fmt: skip

# By instrument, where labels name what people have registered: as many as there may be of that.
OWN_LABEL_SETS: dict[str, int] = {}

Key = tuple[str, tuple[str, ...]]  # the instrument's name, its labels' values


@dataclass(slots=True)
class Cell(Distribution):
    """One instrument with one set of labels in one minute.

    `weight` is in seconds, of gauges. `exemplar` is the slowest value that has an id, the id,
    and the time. `written` is how much of `count` the database has.
    """

    weight: float = 0.0
    exemplar: tuple[float, str, float] | None = None
    written: int = 0

    def see(self, value: float, exemplar: str | None, moment: float) -> None:
        """A value of a histogram."""
        if exemplar is not None and value > self.high:
            self.exemplar = (value, exemplar, moment)
        self.add(value)

    def grow(self, amount: float, _: None, moment: float) -> None:
        """A counter grew."""
        self.count += 1
        self.sum += amount

    def stay(self, value: float, seconds: float, moment: float) -> None:
        """A gauge was at `value` for some time."""
        self.count += 1
        self.sum += value * seconds
        self.weight += seconds
        self.low = min(self.low, value)
        self.high = max(self.high, value)

    def copy(self) -> Cell:
        return Cell(
            self.count, self.sum, self.low, self.high, dict(self.buckets),
            self.weight, self.exemplar, self.written,
        )  # fmt: skip


Count = Callable[[Cell, float, Any, float], None]  # value, what goes with it, time
Note = tuple[float, str, tuple[str, ...], Count, float, Any]


@dataclass(slots=True)
class Minute:
    """What `source` recorded in the minute that began at `at` (seconds since 1970)."""

    source: UUID
    at: int
    cells: dict[Key, Cell] = field(default_factory=dict)
    sets: Counter[str] = field(default_factory=Counter)  # of labels, by instrument

    def copy(self) -> Minute:
        return Minute(self.source, self.at, {key: cell.copy() for key, cell in self.cells.items()})

    @property
    def is_written(self) -> bool:
        return all(cell.written == cell.count for cell in self.cells.values())


class Recorder:
    """The open minutes of this process. `source` names the process in what is written.

    Values that are no finite number are left out: they would spoil every sum they are part of.
    """

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Begin as another process, which has recorded nothing."""
        self._lock = threading.Lock()
        self._noted: deque[Note] = deque()
        self.source = ids.new()
        self._minutes: list[Minute] = []
        self._current = Minute(self.source, 0)

    def note(
        self, name: str, labels: tuple[str, ...], count: Count, value: float, extra: Any = None
    ) -> None:
        """A value of an instrument, to be counted by a method of Cell with what goes with it.

        Appending to a deque needs no lock: whoever is measured waits for nobody.
        """
        noted = self._noted
        noted.append((time(), name, labels, count, value, extra))
        if len(noted) >= MOST_NOTED and self._lock.acquire(blocking=False):
            try:
                self._count_noted()
            finally:
                self._lock.release()

    def _count_noted(self) -> None:
        """Under the lock."""
        noted, minute = self._noted, self._current
        while noted:
            moment, name, labels, count, value, extra = noted.popleft()
            try:
                if not isfinite(value):
                    continue
                is_here = 0 <= moment - minute.at < MINUTE_SECONDS
                cell = minute.cells.get((name, labels)) if is_here else None
                if cell is None:
                    cell = self._cell((name, labels), moment)
                    minute = self._current
                count(cell, float(value), extra, moment)
            except (TypeError, ValueError, AttributeError, OverflowError) as error:
                # It is no number, or its labels are no text.
                logger.warning("a value of %s can't be counted: %s", name, error)

    def _cell(self, key: Key, moment: float) -> Cell:
        if not 0 <= moment - self._current.at < MINUTE_SECONDS:
            self._turn(int(moment) // MINUTE_SECONDS * MINUTE_SECONDS)
        cell = self._current.cells.get(key)
        return self._new_cell(key) if cell is None else cell

    def _turn(self, at: int) -> None:
        """Begin another minute. A clock that is set back a little stays in the newest; set back
        further, minutes come again that are written already: as those of another source."""
        if at < self._current.at:
            if self._current.at - at <= STEP_BACK * MINUTE_SECONDS:
                return
            self.source = ids.new()
        self._current = Minute(self.source, at)
        self._minutes.append(self._current)
        if len(self._minutes) > MOST_MINUTES:
            lost = self._minutes.pop(0)
            logger.warning("a minute of metrics, from %d on, could not be written in time", lost.at)

    def _new_cell(self, key: Key) -> Cell:
        name, labels = key
        minute = self._current
        labels = tuple(_short(label, MOST_LABEL_BYTES // len(labels)) for label in labels)
        most = max(LABEL_SETS.value, OWN_LABEL_SETS.get(name, 0))
        if (name, labels) not in minute.cells and minute.sets[name] >= most:
            labels = (OTHER,) * len(labels)
        if (name, labels) not in minute.cells:
            minute.sets[name] += 1
            minute.cells[name, labels] = Cell()
        return minute.cells[name, labels]

    def snapshot(self) -> list[Minute]:
        """All that isn't written, the oldest minute first: whole minutes, of which something
        is new. The current one is a copy; those before it change no more."""
        with self._lock:
            self._count_noted()
            return [
                each.copy() if each is self._current else each
                for each in self._minutes
                if not each.is_written
            ]

    def written(self, snapshot: list[Minute]) -> None:
        """What `snapshot` holds is in the database: forget the minutes that are over by now."""
        with self._lock:
            here = {(each.source, each.at): each for each in self._minutes}
            for each in snapshot:
                known = here.get((each.source, each.at))
                if known is None:  # a fork or a crowd of minutes has made an end of it
                    continue
                for key, cell in each.cells.items():
                    known.cells[key].written = max(known.cells[key].written, cell.count)
            self._minutes = [
                each for each in self._minutes if each is self._current or not each.is_written
            ]


def _short(label: str, most_bytes: int) -> str:
    """The label as it can be held, cut between two characters."""
    return storable(label[:MOST_LABEL]).encode()[:most_bytes].decode(errors="ignore")


recorder = Recorder()
os.register_at_fork(after_in_child=recorder.restart)
