"""Looking at one service, in a thread of its own: a target that hangs delays nobody else."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pydantic
from django.db import connections

from core.api.envelope import dumps
from core.config.secrets import Unreadable
from core.database import statement_deadline
from core.errors import NotFound
from core.health.checks import Outcome
from core.text import cut
from services.health.results import Result
from services.probes.base import Heartbeat, Observation, Probe, Status, Target, observe, registry
from services.probing.claims import Claim
from services.registry import definitions, secret_fields

logger = logging.getLogger(__name__)

REASON_LENGTH = 2000
FIGURES_BYTES = 16 * 1024
MOST_PROBES = 10_000  # kept in a process


class Look:
    """One look at a claimed service. `done` is called once, with what it found or, at its
    deadline, with that it found nothing; the thread may outlast that."""

    def __init__(self, claim: Claim, done: Callable[[Result], None]) -> None:
        self.claim = claim
        self.deadline = time.monotonic() + claim.timeout
        self._done = done
        self._lock = threading.Lock()
        self._is_told = False
        self._has_returned = False
        self._thread = threading.Thread(target=self._run, name=f"look-{claim.name}", daemon=True)

    def start(self) -> None:
        try:
            self._thread.start()
        except RuntimeError as error:  # the process may have no more threads
            self._has_returned = True
            self.refuse(f"It could not be looked at: {error}.")

    def refuse(self, reason: str) -> None:
        """Tell that there was no look."""
        self._tell(Observation(Outcome.FAIL, reason, Status.UNKNOWN))

    def wait(self) -> None:
        """Until it is over, or its deadline."""
        if self._thread.ident is not None:
            self._thread.join(max(self.deadline - time.monotonic(), 0.0))
        self.expire()

    def expire(self) -> None:
        """Tell that it is late, when it is."""
        if time.monotonic() >= self.deadline:
            self.refuse(f"did not answer within {self.claim.timeout:g} s")

    @property
    def hangs(self) -> bool:
        """Whether the probe has not come back."""
        return not self._has_returned

    @property
    def is_told(self) -> bool:
        return self._is_told

    def _run(self) -> None:
        try:
            with statement_deadline(self.claim.timeout):
                found = _found(self.claim, self.deadline)
        finally:
            connections.close_all()
            self._has_returned = True  # before it is told, or the next look would not begin
        self.expire()
        self._tell(found)

    def _tell(self, observation: Observation) -> None:
        with self._lock:
            if self._is_told:
                return
            self._is_told = True
        seconds = self.claim.timeout - max(self.deadline - time.monotonic(), 0.0)
        self._done(
            Result(self.claim.service_id, self.claim.name, observation, self.claim.at, seconds)
        )


def _found(claim: Claim, deadline: float) -> Observation:
    try:
        probe = _probe(claim)
    except (NotFound, pydantic.ValidationError, Unreadable) as error:
        reason = f"Its probe can't be used, define it anew: {_first_line(error)}"
        return Observation(Outcome.FAIL, reason, Status.UNKNOWN)
    except Exception as error:  # of a plugin's, or nobody would be told of the look
        logger.exception("the probe of %s can't be made", claim.name)
        reason = f"Its probe can't be made: {type(error).__name__}: {_first_line(error)}"
        return Observation(Outcome.FAIL, reason, Status.UNKNOWN)
    return _bounded(observe(probe, _target(claim, deadline)))


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


_probes: dict[UUID, tuple[int, Probe]] = {}


def _probe(claim: Claim) -> Probe:
    """The probe is kept until the definition changes, or a plugin takes its type away: some
    compare with their look before."""
    version, probe = _probes.get(claim.service_id, (0, None))
    if probe is None or version != claim.version or not registry.holds(probe.type, type(probe)):
        if len(_probes) >= MOST_PROBES:
            _probes.clear()
        probe = definitions.probe_of(claim.probe, secret_fields.decrypted(claim.secrets))
        _probes[claim.service_id] = (claim.version, probe)
    return probe


def _target(claim: Claim, deadline: float) -> Target:
    heartbeat = None
    if claim.heartbeat_at is not None:
        told = claim.heartbeat
        heartbeat = Heartbeat(
            at=claim.heartbeat_at,
            health=told.get("health", "healthy"),
            message=told.get("message", ""),
            version=told.get("version", ""),
            figures=told.get("metrics", {}),
        )
    return Target(claim.name, deadline, claim.changed_at, heartbeat, claim.at)


def _bounded(seen: Observation) -> Observation:
    """What can be stored and told, whatever the target answered."""
    return replace(
        seen,
        reason=cut(seen.reason, REASON_LENGTH),
        version=None if seen.version is None else cut(seen.version, 200),
        figures=_tellable(seen.figures),
    )


def _tellable(figures: Any) -> dict[str, Any]:
    try:
        written = dumps(dict(figures))
    except (TypeError, ValueError, RecursionError):
        return {"omitted": "They can't be written as JSON."}
    if len(written) > FIGURES_BYTES:
        return {"omitted": f"They take more than {FIGURES_BYTES:,} bytes."}
    return dict(figures)
