"""What runs beside the real work of every process: its row, the control channel, its loops."""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial

from django.db import DatabaseError, close_old_connections

from core.database import statement_deadline
from core.processes import (
    catching_up,
    control,
    endings,
    figures,
    forks,
    loops,
    notifications,
    operations,
)
from core.processes.doorbell import Doorbell
from core.processes.identity import Identity

logger = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 5.0
RETRY_SECONDS = 0.5
POLL_SECONDS = 0.5  # a command is seen after this time even when the doorbell is deaf
DATABASE_SECONDS = 2.0
STOP_SECONDS = 2.0


class Runtime:
    """The threads of one process."""

    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._member = control.join(identity)
        beats = loops.Loop("processes.heartbeat", frozenset(), HEARTBEAT_SECONDS, self._beat)
        self._heart = loops.LoopThread(beats, self._stop, max_pause=HEARTBEAT_SECONDS / 2)

    def start(self) -> None:
        is_main = self.identity.is_main
        loops.start(self.identity.role if is_main else loops.CHILD, self._stop)
        if is_main and loops.names():
            self._thread("processes.notifications", partial(notifications.listen, self._stop))
        self._threads.append(self._heart.start())
        self._thread("processes.control", self._control)

    def _thread(self, name: str, target: Callable[[], None]) -> None:
        thread = threading.Thread(target=target, name=name, daemon=True)
        thread.start()
        self._threads.append(thread)

    def stop(self) -> None:
        """Stop the threads, carry out the endings and sign off, within a few seconds whatever
        the database does."""
        self._stop.set()
        self._heart.wake()
        loops.wake_all()
        deadline = time.monotonic() + STOP_SECONDS
        for thread in [*loops.threads(), *self._threads]:
            thread.join(max(0.0, deadline - time.monotonic()))
        try:
            with statement_deadline(DATABASE_SECONDS):
                endings.carry_out()
                operations.stop(identity=self.identity, figures=figures.measured())
        except DatabaseError as error:
            logger.info("could not sign off: %s", error)
        loops.forget()
        control.leave()

    def _beat(self) -> None:
        with statement_deadline(DATABASE_SECONDS):
            statistics = {name: asdict(each) for name, each in loops.statistics().items()}
            operations.beat(identity=self.identity, loops=statistics, figures=figures.measured())
            operations.mark_gone()

    def _control(self) -> None:
        turn = loops.Loop("processes.control", frozenset(), 0.0, self._obey)
        loops.LoopThread(turn, self._stop, max_pause=RETRY_SECONDS).run()
        if self._member.doorbell:
            self._member.doorbell.close()

    def _obey(self) -> bool:
        """Carry out what is new, then wait for the doorbell."""
        with statement_deadline(DATABASE_SECONDS):
            if self._member.doorbell is None:
                self._member.doorbell = Doorbell(control.channel(), self._stop)
            for command in self._member.inbox.read():
                control.carry_out(command, self.identity)
            catching_up.catch_up()  # after the look above, from which on no command is missed
        close_old_connections()
        self._member.doorbell.wait(POLL_SECONDS)
        return True


_lock = threading.Lock()
_runtime: Runtime | None = None
_identity: Identity | None = None
_forked = False


def start(role: str, *, child: bool = False) -> None:
    """Register this process and start its threads; returns at once, even without a database.

    A child of a worker (`child`, or forked after its parent's start) runs only the loops for
    children. Calling it again does nothing.
    """
    global _runtime, _identity
    with _lock:
        if _runtime is None:
            parent_pid = os.getppid() if child or _forked else None
            _identity = Identity(role=role, parent_pid=parent_pid)
            _runtime = Runtime(_identity)
            _runtime.start()
            atexit.register(stop)


def identity() -> Identity | None:
    """Who this process is, or was until it stopped; None when it was never started."""
    return _identity


def stop() -> None:
    """Stop the threads of this process and say so in its row."""
    global _runtime
    with _lock:
        runtime, _runtime = _runtime, None
    if runtime is not None:
        runtime.stop()


def _after_fork() -> None:
    """Threads and connections stay with the parent: the child starts afresh."""
    global _runtime, _identity, _lock, _forked
    _lock = threading.Lock()
    _forked = _forked or _runtime is not None
    _runtime = _identity = None
    loops.forget()
    control.leave()
    forks.abandon_connections()


os.register_at_fork(after_in_child=_after_fork)
