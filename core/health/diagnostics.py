"""What can be diagnosed: tests of a component that cost something and run only when asked for.

The registry is here so that every layer and plugin can add to it; `services.diagnostics`
runs what is registered, as a job.

    @diagnostics.register("cache", "performance", lead="operations_per_second", better="higher")
    def performance(context: Context) -> dict[str, Any]: ...   # figures; raises Unhealthy or Warn
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from core.registry import Registry

Better = Literal["higher", "lower"]


class Context(Protocol):
    """What a test may ask of the run it is part of."""

    def remaining(self) -> float:
        """Seconds until the test must have ended."""

    def progress(self, fraction: float) -> None:
        """Say how far the test is, 0 to 1. Raises when the run was cancelled."""

    def checkpoint(self) -> None:
        """Raises when the run was cancelled or the test's time is up."""


Test = Callable[[Context], "dict[str, Any] | str"]


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """A test of a component.

    `lead` names the figure that is compared with earlier runs, `better` its good direction.
    `seconds` bounds the test.
    """

    component: str
    test: str
    run: Test
    lead: str | None = None
    better: Better = "lower"
    seconds: float = 10.0


TESTS = ("connectivity", "performance", "stress")
registry: Registry[Diagnostic] = Registry("diagnostic")


def register(
    component: str,
    test: str,
    *,
    lead: str | None = None,
    better: Better = "lower",
    seconds: float = 10.0,
) -> Callable[[Test], Test]:
    """Register the decorated function as `test` of `component`."""

    def add(run: Test) -> Test:
        registry.add(f"{component}.{test}", Diagnostic(component, test, run, lead, better, seconds))
        return run

    return add


def components() -> list[str]:
    """Names of the components that have tests, in the order of registration."""
    return list(dict.fromkeys(each.component for each in registry))


def tests() -> list[str]:
    """Kinds of tests, the cheap ones first."""
    kinds = {each.test for each in registry}
    return [kind for kind in TESTS if kind in kinds] + sorted(kinds - set(TESTS))
