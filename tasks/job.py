"""What a job is: typed parameters, weighted steps, limits.

    @jobs.register("backup.create")
    class CreateBackup(Job):
        class Parameters(Job.Parameters):
            include: list[str]

        steps = Steps(dump=External(70, repeatable=True), seal=10)
        timeout = 3600.0

        def dump(self, context): ...
        def seal(self, context): ...

A plain step runs in a transaction that also records its completion: its effects in the
database happen exactly once. An External step runs outside any transaction.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import pydantic
from django.db import InterfaceError, OperationalError

from core.errors import Detail, InvalidInput
from core.registry import Registry
from tasks.context import Context

__all__ = ["Context", "External", "Job", "Steps", "jobs"]


@dataclass(frozen=True, slots=True)
class External:
    """A step whose effects lie outside the database, or that takes minutes.

    It may be interrupted when half done. With `repeatable` the next attempt runs it again,
    under the same `context.idempotency_key`; without, the task ends as `outcome_unknown`.
    """

    weight: float
    repeatable: bool


@dataclass(frozen=True, slots=True)
class Step:
    name: str
    weight: float
    external: bool
    repeatable: bool


class Steps:
    """The steps of a job in order, each with its share of the work."""

    def __init__(self, **weights: float | External) -> None:
        self._steps = tuple(
            Step(name, given.weight, external=True, repeatable=given.repeatable)
            if isinstance(given, External)
            else Step(name, given, external=False, repeatable=True)
            for name, given in weights.items()
        )
        if not self._steps or any(step.weight <= 0 for step in self._steps):
            raise ValueError("a job has at least one step, and every weight is above 0")

    def __iter__(self) -> Iterator[Step]:
        return iter(self._steps)


class Job:
    """The base of every job. Subclasses have a method for each step, named like it."""

    class Parameters(pydantic.BaseModel):
        model_config = pydantic.ConfigDict(extra="forbid")

    type: ClassVar[str] = ""  # set by `jobs.register`
    steps: ClassVar[Steps]
    timeout: ClassVar[float] = 3600.0  # seconds for one attempt
    max_attempts: ClassVar[int] = 3
    retryable: ClassVar[bool] = True  # whether another attempt may follow one that did not end
    retry_on: ClassVar[tuple[builtins.type[Exception], ...]] = (OperationalError, InterfaceError)
    queue_behind: ClassVar[bool] = False  # wait for the holder of the concurrency key, not refuse
    hidden: ClassVar[bool] = False

    def __init__(self, parameters: Any) -> None:
        self.parameters = parameters

    @classmethod
    def concurrency_key(cls, parameters: Any) -> str | None:
        """Two tasks with the same key never run at the same time. None: no limit."""
        return None

    @classmethod
    def plan(cls, parameters: Any) -> Iterable[Step]:
        """The steps of a run with these parameters, where they aren't the same for every run."""
        return cls.steps

    def method(self, step: str) -> Callable[[Context], None]:
        """What carries out a step."""
        return getattr(self, step)

    def clean_up(self, context: Context) -> None:
        """Undo or close what was half done; runs after a failure or a cancel."""

    @classmethod
    def validated(cls, parameters: dict[str, Any]) -> Any:
        """The typed parameters. Raises InvalidInput with one detail per wrong field."""
        try:
            return cls.Parameters.model_validate(parameters)
        except pydantic.ValidationError as error:
            details = [
                Detail(".".join(map(str, each["loc"])), each["type"], each["msg"])
                for each in error.errors(include_url=False)
            ]
            first = details[0]
            raise InvalidInput(f"{first.field}: {first.message}", details=details) from None


class Jobs(Registry[type[Job]]):
    """Job types by name."""

    def add(self, name: str, entry: type[Job]) -> type[Job]:
        missing = [
            step.name for step in entry.steps if not callable(getattr(entry, step.name, None))
        ]
        if missing:
            raise TypeError(f"{entry.__name__} has no method for its steps {', '.join(missing)}")
        entry.type = name
        return super().add(name, entry)


jobs = Jobs("job type")
