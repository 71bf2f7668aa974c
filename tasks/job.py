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
from typing import Annotated, Any, ClassVar

import pydantic
from django.db import InterfaceError, OperationalError
from pydantic import Field

from core import options
from core.errors import Detail, InvalidInput
from core.registry import Registry
from tasks.context import Context

__all__ = ["Context", "External", "Job", "Steps", "jobs"]

options.section("tasks", title="Tasks", help="Background work: workers, retries, what is kept.")

DEFAULT_TIMEOUT = options.declare(
    "tasks.default_timeout_seconds", Annotated[float, Field(ge=60, le=86_400)],
    default=3600.0, unit="s",
    help="How long one attempt at a task may take where its type sets no limit of its own. What"
    " takes longer is stopped and fails as timed_out. Counts for tasks started from now on.",
)  # fmt: skip
DEFAULT_ATTEMPTS = options.declare(
    "tasks.max_attempts", Annotated[int, Field(ge=1, le=20)], default=3, unit="attempts",
    help="How often a task is begun in all, where its type sets no number of its own: after a lost"
    " worker, or a database that went away. Counts for tasks started from now on.",
)  # fmt: skip


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
    timeout: ClassVar[float | None] = None  # seconds for one attempt; None: as is configured
    max_attempts: ClassVar[int | None] = None  # None: as is configured
    retryable: ClassVar[bool] = True  # whether another attempt may follow one that did not end
    scope: ClassVar[str | None] = None  # that people need beside admin:tasks to retry one
    may_be_retried: ClassVar[bool] = True  # by people, as a task of its own once this one failed
    retry_on: ClassVar[tuple[builtins.type[Exception], ...]] = (OperationalError, InterfaceError)
    queue_behind: ClassVar[bool] = False  # wait for the holder of the concurrency key, not refuse
    hidden: ClassVar[bool] = False

    def __init__(self, parameters: Any) -> None:
        self.parameters = parameters

    @classmethod
    def time_limit(cls) -> float:
        """Seconds that one attempt may take."""
        return DEFAULT_TIMEOUT.value if cls.timeout is None else cls.timeout

    @classmethod
    def most_attempts(cls) -> int:
        """How often a task is begun in all."""
        if not cls.retryable:
            return 1
        return DEFAULT_ATTEMPTS.value if cls.max_attempts is None else cls.max_attempts

    @classmethod
    def is_for_people_to_retry(cls) -> bool:
        return cls.retryable and cls.may_be_retried

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
