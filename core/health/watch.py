"""One check in this process: its runs, each in a thread of its own, and the newest verdict."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import redis
from django.db import Error as DatabaseError
from django.db import connections

from core.api.envelope import dumps
from core.database import statement_deadline
from core.health.checks import Check, Figures, Finding, Outcome
from core.text import cut

logger = logging.getLogger(__name__)

REASON_LENGTH = 2000

_verdicts = itertools.count(1)
newest = 0  # number of the newest verdict of this process: documents are made once for each


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check said; `figures` were measured at `measured_at`, None when never.

    A failing check keeps the figures it measured last, so that a number stays a number.
    """

    check: Check
    outcome: Outcome
    reason: str | None
    figures: Figures
    measured_at: datetime | None
    at: datetime
    clock: float  # monotonic seconds, for the age

    def age(self, now: float) -> float:
        """Seconds since this was found."""
        return max(0.0, now - self.clock)


def first_line(error: Exception) -> str:
    """The error in one line, such as a driver's message without its hints."""
    lines = str(error).strip().splitlines()
    return cut(lines[0], REASON_LENGTH) if lines else type(error).__name__


class Watch:
    """Runs a check at most once at a time; a run that hangs is never doubled, nor waited for."""

    def __init__(self, check: Check) -> None:
        self.check = check
        self.verdict: Verdict | None = None
        self._changed = threading.Condition()
        self._run_since: float | None = None
        self._last_start = float("-inf")

    @property
    def name(self) -> str:
        return self.check.key

    def due(self, now: float) -> bool:
        return self._run_since is None and now - self._last_start >= self.check.cadence_in_use

    def stale(self, now: float) -> bool:
        """No verdict, or one too old for the check's cadence while no late run explains it."""
        if self.verdict is None:
            return True
        return not self._late(now) and self.verdict.age(now) > 2 * self.check.cadence_in_use

    def start(self) -> None:
        """Begin a run unless one is under way."""
        with self._changed:
            if self._run_since is not None:
                return
            self._run_since = self._last_start = time.monotonic()
            thread = threading.Thread(target=self._run, name=f"check-{self.name}", daemon=True)
            try:
                thread.start()
            except RuntimeError as error:  # the process may have no more threads
                self._run_since = None
                self._settle(Outcome.FAIL, f"could not be run: {error}", None)

    def expire(self, now: float) -> None:
        """Fail the run under way once its deadline has passed."""
        with self._changed:
            if self._late(now) and (self.verdict is None or self.verdict.clock < self._last_start):
                self._settle(Outcome.FAIL, self._too_late, None)

    def wait(self) -> None:
        """Wait for the run under way, until its deadline at most."""
        with self._changed:
            since = self._run_since
            if since is None:
                return
            left = since + self.check.deadline_in_use - time.monotonic()
            self._changed.wait_for(lambda: self._run_since != since, timeout=max(0.0, left))
        self.expire(time.monotonic())

    @property
    def _too_late(self) -> str:
        return f"did not answer within {self.check.deadline_in_use:g} s"

    def _late(self, now: float) -> bool:
        return self._run_since is not None and now - self._run_since >= self.check.deadline_in_use

    def _run(self) -> None:
        try:
            with statement_deadline(self.check.deadline_in_use):
                found = self._measure()
        finally:
            connections.close_all()
        with self._changed:
            if self._late(time.monotonic()):
                found = (Outcome.FAIL, self._too_late, None)
            self._settle(*found)
            self._run_since = None
            self._changed.notify_all()

    def _measure(self) -> tuple[Outcome, str | None, Figures | None]:
        try:
            outcome, reason, figures = self._found()
            dumps(dict(figures))  # what can't be told must not get into a document
            return outcome, reason, figures
        except (DatabaseError, redis.RedisError, OSError) as error:
            return Outcome.FAIL, first_line(error), None
        except Exception as error:
            logger.exception("the check %s broke", self.name)
            return Outcome.FAIL, f"the check itself broke: {type(error).__name__}", None

    def _found(self) -> tuple[Outcome, str | None, Figures]:
        try:
            return Outcome.PASS, None, self.check.measure() or {}
        except Finding as finding:
            return finding.outcome, cut(str(finding.reason), REASON_LENGTH), finding.figures

    def _settle(self, outcome: Outcome, reason: str | None, measured: Figures | None) -> None:
        global newest
        before = self.verdict
        now = datetime.now(UTC)
        figures: dict[str, Any] = dict(before.figures if before else self.check.unmeasured)
        figures.update(measured or {})
        measured_at = now if measured else (before.measured_at if before else None)
        self.verdict = Verdict(
            self.check, outcome, reason, figures, measured_at, now, time.monotonic()
        )
        newest = next(_verdicts)
