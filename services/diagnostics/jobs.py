"""The job that runs diagnostics: a step for each test of each component."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from core.health.diagnostics import Diagnostic
from services.diagnostics import running
from services.diagnostics.selection import STRESS, select
from tasks.job import Context, External, Job, Step, Steps, jobs

JOB = "diagnostics.run"


def step_name(diagnostic: Diagnostic) -> str:
    return f"{diagnostic.component} {diagnostic.test}"


@jobs.register(JOB)
class RunDiagnostics(Job):
    """Each result is saved as it is found; a run that is cancelled keeps what it has."""

    class Parameters(Job.Parameters):
        components: list[str] = []
        tests: list[str] = []

    steps = Steps(test=External(1, repeatable=True))
    timeout = 900.0

    @classmethod
    def concurrency_key(cls, parameters: Any) -> str | None:
        """Two runs with stress would measure each other."""
        return "diagnostics.stress" if STRESS in parameters.tests else None

    @classmethod
    def plan(cls, parameters: Any) -> Iterator[Step]:
        """Weighted by the time each test may take. Raises InvalidInput for unknown names."""
        for each in select(parameters.components, parameters.tests):
            yield Step(step_name(each), each.seconds, external=True, repeatable=True)

    def method(self, step: str) -> Callable[[Context], None]:
        chosen = select(self.parameters.components, self.parameters.tests)
        return partial(self.test, {step_name(each): each for each in chosen}[step])

    def test(self, diagnostic: Diagnostic, context: Context) -> None:
        """One step: run a test, compare it with earlier ones, save what it found."""
        result = running.run(diagnostic, context)
        result = running.keep(result, run=context.task_id, diagnostic=diagnostic)
        level = {"pass": "INFO", "warning": "WARNING"}.get(result.status, "ERROR")
        said = f": {result.reason}" if result.reason else ""
        context.log(level, f"{step_name(diagnostic)}: {result.status}{said}")
        counts = context.document.get("outcomes", {})
        counts[result.status] = counts.get(result.status, 0) + 1
        context.result({"outcomes": counts})
