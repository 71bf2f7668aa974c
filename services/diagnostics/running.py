"""Running one test: bounded in time, whatever it raises becomes a result."""

from __future__ import annotations

import logging
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import UUID

import psycopg
import redis
from django.db import Error as DatabaseError
from django.db import close_old_connections

from core.errors import NexusError, NotFound
from core.health import queries as health
from core.health.board import Health
from core.health.checks import Finding, Outcome, Unhealthy
from core.health.diagnostics import Diagnostic
from core.health.watch import first_line
from services.diagnostics.comparison import compare
from services.diagnostics.models import DiagnosticResult
from services.diagnostics.selection import STRESS

logger = logging.getLogger(__name__)


class Caller(Protocol):
    """Who runs the test: a job's context, or the command line."""

    def progress(self, fraction: float) -> None: ...

    def checkpoint(self) -> None: ...


class Bounded:
    """The context of one test: that of its caller, with the test's own deadline."""

    def __init__(self, caller: Caller, seconds: float) -> None:
        self._caller = caller
        self._seconds = seconds
        self._deadline = time.monotonic() + seconds

    def remaining(self) -> float:
        return self._deadline - time.monotonic()

    def progress(self, fraction: float) -> None:
        self._caller.progress(fraction)
        self._in_time()

    def checkpoint(self) -> None:
        self._caller.checkpoint()
        self._in_time()

    def _in_time(self) -> None:
        if self.remaining() <= 0:
            raise Unhealthy(f"did not end within {self._seconds:g} s")


@dataclass(frozen=True, slots=True)
class Result:
    """What one test found. `figures` is what it measured; times are milliseconds."""

    component: str
    test: str
    status: Outcome
    reason: str
    duration_ms: float
    figures: dict[str, Any]
    finished_at: datetime
    comparison: dict[str, Any] | None = None


def run(diagnostic: Diagnostic, caller: Caller) -> Result:
    """Run one test now. Raises nothing but what `caller` raises to stop it."""
    began = time.perf_counter()
    status, reason, figures = _attempt(diagnostic, Bounded(caller, diagnostic.seconds))
    return Result(
        component=diagnostic.component,
        test=diagnostic.test,
        status=status,
        reason=reason,
        duration_ms=round((time.perf_counter() - began) * 1000, 3),
        figures=figures,
        finished_at=datetime.now(UTC),
    )


def keep(result: Result, *, run: UUID, diagnostic: Diagnostic) -> Result:
    """Compare the result with earlier runs and save it; the result says how it compares.

    Raises a database error when it can't be saved.
    """
    found = compare(diagnostic, result.figures, run=run)
    values = asdict(result) | {"comparison": found}
    if found and found["worse"] and result.status == Outcome.PASS:
        values |= {"status": Outcome.WARNING, "reason": found["message"]}
    DiagnosticResult.objects.update_or_create(
        run=run,
        component=values.pop("component"),
        test=values.pop("test"),
        defaults=values,
    )
    return Result(diagnostic.component, diagnostic.test, **values)


def _attempt(diagnostic: Diagnostic, context: Bounded) -> tuple[Outcome, str, dict[str, Any]]:
    try:
        if diagnostic.test == STRESS:
            _require_healthy(diagnostic.component)
        return Outcome.PASS, "", _figures(diagnostic.run(context))
    except Finding as finding:
        return finding.outcome, finding.reason, dict(finding.figures)
    except (DatabaseError, psycopg.Error, redis.RedisError, OSError) as error:
        return Outcome.FAIL, first_line(error), {}
    except NexusError as error:
        return Outcome.FAIL, error.message, {}
    except Exception as error:
        logger.exception("the diagnostic %s %s broke", diagnostic.component, diagnostic.test)
        return Outcome.FAIL, f"the test itself broke: {type(error).__name__}: {error}", {}
    finally:
        close_old_connections()


def _figures(found: dict[str, Any] | str) -> dict[str, Any]:
    return {"message": found} if isinstance(found, str) else found


def _require_healthy(component: str) -> None:
    """Raises Unhealthy when the component is: load would make it worse and prove nothing."""
    try:
        standing = health.standing(component)
    except NotFound:  # it has diagnostics but no checks
        return
    if standing.health == Health.UNHEALTHY:
        raise Unhealthy(f"not started: the component is unhealthy ({standing.reason})")
