"""Diagnostics in this process, for an operator whose workers are gone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import Error as DatabaseError

from core import ids
from core.database import statement_deadline
from core.health.diagnostics import Diagnostic
from core.processes import queries as processes
from services.diagnostics import running
from services.diagnostics.queries import run_id, tell, worst
from services.diagnostics.running import Result

ANSWER_SECONDS = 2.0


def no_worker() -> str | None:
    """Why a task would not be run now, or None when a worker is alive."""
    try:
        with statement_deadline(ANSWER_SECONDS):
            alive = processes.alive("worker")
    except DatabaseError:
        return "the database does not answer"
    return None if alive else "no worker is alive"


@dataclass
class Run:
    """A run without a task: its results are saved where there is a database to save them in."""

    chosen: Sequence[Diagnostic]
    id: UUID = field(default_factory=ids.new)
    results: list[Result] = field(default_factory=list)
    fraction: float = 0.0  # of the test under way

    def progress(self, fraction: float) -> None:
        self.fraction = fraction

    def checkpoint(self) -> None:
        """Only Ctrl-C stops it."""

    def go(self, *, after_each: Callable[[Result], None]) -> None:
        """Run the tests one by one."""
        for each in self.chosen:
            self.fraction = 0.0
            result = self._keep(running.run(each, self), each)
            self.results.append(result)
            after_each(result)

    def _keep(self, result: Result, diagnostic: Diagnostic) -> Result:
        try:
            with statement_deadline(ANSWER_SECONDS):
                return running.keep(result, run=self.id, diagnostic=diagnostic)
        except DatabaseError:
            return result

    def document(self) -> dict[str, Any]:
        """The results in the shape of any run's document."""
        components: dict[str, list[dict[str, Any]]] = {}
        for each in self.results:
            components.setdefault(each.component, []).append(tell(each))
        return {
            "test_run_id": run_id(self.id),
            "status": "completed" if len(self.results) == len(self.chosen) else "cancelled",
            "outcome": worst(each.status for each in self.results),
            "duration_ms": round(sum(each.duration_ms for each in self.results), 1),
            "results": [{"component": name, "tests": tests} for name, tests in components.items()],
            "task_id": None,
        }
