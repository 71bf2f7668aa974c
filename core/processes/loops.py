"""Background loops: functions that run again and again in a thread of their own."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db import InterfaceError, OperationalError, close_old_connections

from core.registry import Registry

logger = logging.getLogger(__name__)

MAX_PAUSE_SECONDS = 10.0  # what waits for a database that is back is soon told
CHILD = "child"  # the role of what a worker forks to run jobs, where it comes to loops

Turn = Callable[[], Any]


@dataclass(frozen=True)
class Loop:
    name: str
    roles: frozenset[str]
    interval: float | Callable[[], float]
    turn: Turn

    @property
    def seconds(self) -> float:
        """The interval as it is now."""
        return self.interval() if callable(self.interval) else self.interval


registry: Registry[Loop] = Registry("loop")


def register(
    name: str, *, roles: set[str], interval: float | Callable[[], float]
) -> Callable[[Turn], Turn]:
    """Run a function every `interval` seconds in each process of these roles.

    The children of a worker have the role CHILD and none other: they are there for the jobs.
    An interval that is a function is asked before each pause; wake the loop when it changes.

    It runs again at once when it returns something truthy, when `wake(name)` is called here
    or when PostgreSQL gets a NOTIFY on a channel of that name. What it raises is logged once
    and it is tried again with growing pauses. It must end soon: threads can't be stopped.
    """

    def add(turn: Turn) -> Turn:
        registry.add(name, Loop(name, frozenset(roles), interval, turn))
        return turn

    return add


@dataclass
class Statistics:
    """What one loop of this process has done."""

    turns: int = 0
    failures_in_a_row: int = 0
    last_turn_at: datetime | None = None
    last_error: str = ""
    last_error_at: datetime | None = None


@dataclass
class LoopThread:
    """Runs one loop until `stop` is set."""

    loop: Loop
    stop: threading.Event
    max_pause: float = MAX_PAUSE_SECONDS
    statistics: Statistics = field(default_factory=Statistics)
    _logged: set[str] = field(default_factory=set)
    _woken: threading.Event = field(default_factory=threading.Event)
    _retired: bool = False

    def start(self) -> threading.Thread:
        thread = threading.Thread(target=self.run, name=self.loop.name, daemon=True)
        thread.start()
        return thread

    def retire(self) -> None:
        """End after the turn under way, for another takes over."""
        self._retired = True
        self._woken.set()

    def wake(self) -> None:
        self._woken.set()

    def run(self) -> None:
        while True:
            self._woken.clear()
            if self.stop.is_set() or self._retired:  # looked at after whoever set it woke us
                return
            if self._turn():
                continue
            if self.statistics.failures_in_a_row:
                self.stop.wait(self._pause())  # a NOTIFY must not turn failures into a busy loop
            else:
                self._woken.wait(self.loop.seconds)

    def _turn(self) -> bool:
        """Returns whether there is more to do right now."""
        statistics = self.statistics
        close_old_connections()
        try:
            more = bool(self.loop.turn())
        except Exception as error:
            self._failed(error)
            return False
        finally:
            close_old_connections()
        if statistics.failures_in_a_row:
            logger.info("loop %s works again", self.loop.name)
        self._logged.clear()
        statistics.failures_in_a_row = 0
        statistics.last_error = ""
        statistics.turns += 1
        statistics.last_turn_at = datetime.now(UTC)
        return more

    def _failed(self, error: Exception) -> None:
        statistics = self.statistics
        text = f"{type(error).__name__}: {error}"
        if text not in self._logged:
            self._logged.add(text)
            expected = isinstance(error, (OperationalError, InterfaceError))  # the database is away
            trace = None if expected else error
            logger.warning("loop %s failed: %s", self.loop.name, text, exc_info=trace)
        statistics.failures_in_a_row += 1
        statistics.last_error = text
        statistics.last_error_at = datetime.now(UTC)

    def _pause(self) -> float:
        doubled = max(self.loop.seconds, 0.1) * 2.0 ** min(self.statistics.failures_in_a_row, 10)
        return min(doubled, self.max_pause) * random.uniform(0.5, 1.0)  # noqa: S311


_running: dict[str, LoopThread] = {}
_threads: dict[str, threading.Thread] = {}
_role: str | None = None


def start(role: str, stop: threading.Event) -> None:
    """Start the loops of this role; they end when `stop` is set and they are woken."""
    global _role
    _role = role
    for loop in registry:
        if role in loop.roles:
            _run(LoopThread(loop, stop))


def _run(thread: LoopThread) -> None:
    _running[thread.loop.name] = thread
    _threads[thread.loop.name] = thread.start()


def restart(name: str) -> bool:
    """Let a new thread take over the loop of this process, even from one that hangs; the old
    one ends with its turn. Returns whether this process runs it."""
    before = _running.get(name)
    if before is None:
        return False
    _run(LoopThread(before.loop, before.stop))
    before.retire()
    return True


def threads() -> list[threading.Thread]:
    """Those that run the loops of this process."""
    return list(_threads.values())


def wake(name: str) -> None:
    """Let the loop of this process take its next turn now; nothing when it has none."""
    if running := _running.get(name):
        running.wake()


def wake_all() -> None:
    for running in list(_running.values()):
        running.wake()


def forget() -> None:
    """Drop the loops, whose threads have ended or stayed behind in the parent process."""
    global _role
    _role = None
    _running.clear()
    _threads.clear()


def awaits_restart(loop: Loop) -> bool:
    """Whether this process would run the loop, had it known of it at its start."""
    return _role in loop.roles and loop.name not in _running


def names() -> list[str]:
    """The loops that run in this process."""
    return list(_running)


def statistics() -> dict[str, Statistics]:
    """By name, for the loops that run in this process."""
    return {name: running.statistics for name, running in _running.items()}
