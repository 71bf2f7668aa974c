"""The sign of life of one running attempt.

A thread beside the job renews the lease, writes progress and log lines outside the job's
transaction, and learns that the job has to stop. The job itself only sets attributes here,
so that progress costs no more than an assignment.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from subprocess import Popen
from typing import Any

from django.db import DatabaseError, InterfaceError, connection
from django.utils import timezone

from core.database import statement_deadline
from core.processes import control
from tasks import children, draining, transitions
from tasks.interrupts import CancelRequested, HandBack, Interrupt, LeaseLost, TimedOut
from tasks.models import TaskLog
from tasks.transitions import LEASE_SECONDS, Claim

logger = logging.getLogger(__name__)

RENEW_SECONDS = 1.0
WRITE_SECONDS = 0.5  # between two writes of progress or log lines
STUCK_SECONDS = 15.0  # from the timeout until a job that never reaches a checkpoint is killed
ANSWER_SECONDS = 5.0
LOGS_KEPT = 10_000  # lines waiting while the database is away; then the oldest go


_beating: dict[str, Pulse] = {}


@control.handler("tasks.look")
def look(payload: dict[str, Any]) -> None:
    """Something has changed about a task: if it runs here, find out what, now."""
    if pulse := _beating.get(payload["task_id"]):
        pulse.wake()


class Pulse:
    """Start it around the steps of one attempt: `with Pulse(claim) as pulse`."""

    def __init__(self, claim: Claim, *, on_stuck: Callable[[], None] | None = None) -> None:
        """`on_stuck` ends this process; it is called when the job ignores its timeout."""
        self.claim = claim
        self.interrupt: type[Interrupt] | None = None
        self.fraction = 0.0
        self._place: tuple[int | None, float, float] = (None, 0.0, 0.0)
        self._dirty = False
        self._lines: deque[TaskLog] = deque(maxlen=LOGS_KEPT)
        self._processes: set[Popen[bytes]] = set()
        self._on_stuck = on_stuck
        self._deadline = time.monotonic() + claim.timeout
        self._lease_until = time.monotonic() + LEASE_SECONDS
        self._shielded = False
        self.may_hand_back = True
        self._wake = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"pulse {claim.id}", daemon=True)

    def __enter__(self) -> Pulse:
        _beating[str(self.claim.id)] = self
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._wake.set()
        self._thread.join()
        _beating.pop(str(self.claim.id), None)

    def wake(self) -> None:
        self._wake.set()

    # The job's side.

    def enter_step(
        self, step_id: int, *, done_before: float, share: float, may_hand_back: bool
    ) -> None:
        """From here on, fractions are of this step: `share` of the whole, after `done_before`."""
        self.fraction = 0.0  # first, so that the thread never counts it towards the next step
        self._place = (step_id, done_before, share)
        self.may_hand_back = may_hand_back

    def advance(self, fraction: float) -> None:
        self.fraction = min(fraction, 1.0)
        if not self._dirty:
            self._dirty = True
            self._wake.set()

    def say(self, level: str, message: str) -> None:
        self._lines.append(
            TaskLog(task_id=self.claim.id, timestamp=timezone.now(), level=level, message=message)
        )
        self._wake.set()

    def check(self) -> None:
        """Raises the Interrupt that is due, if any."""
        if self._shielded:
            return
        if time.monotonic() > self._lease_until:
            self.interrupt = LeaseLost
        if self.interrupt is not None:
            raise self.interrupt

    def shield(self) -> None:
        """From here on only clean-up runs: it may take its time and is not interrupted."""
        self._shielded = True
        self._deadline = time.monotonic() + self.claim.timeout

    @contextmanager
    def watching(self, process: Popen[bytes]) -> Iterator[None]:
        """However the block ends, `process` and its group end with it."""
        self._processes.add(process)
        try:
            yield
        finally:
            if process.returncode is None:
                children.stop(process)
            self._processes.discard(process)

    # The thread's side.

    def _run(self) -> None:
        try:
            while not self._stopped.is_set():
                self._wake.wait(RENEW_SECONDS)
                self._wake.clear()
                self._look()
                self._beat()
                self._stopped.wait(WRITE_SECONDS)
            self._write_lines()
        finally:
            connection.close()

    def _look(self) -> None:
        now = time.monotonic()
        if now > self._deadline + STUCK_SECONDS and self._on_stuck is not None:
            self._give_up(self._on_stuck)
        elif now > self._deadline:
            self._stop_job(TimedOut)
        elif self.may_hand_back and draining.hand_back_due():
            self._stop_job(HandBack)

    def _beat(self) -> None:
        """Renew the lease and write what is new, in one go."""
        begun = time.monotonic()
        self._dirty = False
        fraction, (step_id, done_before, share) = self.fraction, self._place
        try:
            with statement_deadline(ANSWER_SECONDS):
                cancel_requested = transitions.renew(
                    self.claim,
                    progress=done_before + share * fraction,
                    step_id=step_id,
                    fraction=fraction,
                )
        except transitions.Superseded:
            self._stop_job(LeaseLost)
        except (DatabaseError, InterfaceError) as error:
            logger.warning("can't renew the lease of task %s: %s", self.claim.id, error)
            connection.close()
        else:
            self._lease_until = begun + LEASE_SECONDS
            if cancel_requested:
                self._stop_job(CancelRequested)
            self._write_lines()

    def _stop_job(self, reason: type[Interrupt]) -> None:
        if self.interrupt is None or reason is LeaseLost:
            self.interrupt = reason

    def _write_lines(self) -> None:
        lines = [self._lines.popleft() for _ in range(len(self._lines))]
        if not lines:
            return
        try:
            with statement_deadline(ANSWER_SECONDS):
                TaskLog.objects.bulk_create(lines, batch_size=1000)
        except (DatabaseError, InterfaceError) as error:
            logger.warning("can't write log lines of task %s: %s", self.claim.id, error)
            connection.close()
            self._lines.extendleft(reversed(lines))

    def _give_up(self, end_process: Callable[[], None]) -> None:
        """The job ignores its timeout: leave the row to the next claim, which only cleans up."""
        for process in list(self._processes):
            children.kill(process)
        try:
            self._write_lines()
            with statement_deadline(ANSWER_SECONDS):
                transitions.doom(
                    self.claim,
                    code="timed_out",
                    message=f"It reached no checkpoint within {self.claim.timeout:g} s.",
                )
        except (DatabaseError, InterfaceError, transitions.Superseded) as error:
            logger.warning(
                "task %s is stuck and its row can't be written: %s", self.claim.id, error
            )
        end_process()
