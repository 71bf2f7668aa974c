"""Which tests a run consists of, from the names that were asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from core.errors import Detail, InvalidInput
from core.health import diagnostics
from core.health.diagnostics import Diagnostic

DEFAULT_TESTS = ("connectivity",)
STRESS = "stress"


def select(components: Sequence[str], tests: Sequence[str]) -> list[Diagnostic]:
    """The tests to run, component by component; nothing named means every component, connectivity.

    Raises InvalidInput, naming the known ones, for a component or test that doesn't exist or
    a component that was named but has none of the tests.
    """
    unknown = [
        *_unknown("components", "component", components, diagnostics.components()),
        *_unknown("tests", "test", tests, diagnostics.tests()),
    ]
    if unknown:
        raise InvalidInput(" ".join(each.message for each in unknown), details=unknown)
    wanted = set(tests or DEFAULT_TESTS)
    chosen = dict.fromkeys(components or diagnostics.components())
    found = [
        each
        for name in chosen
        for each in diagnostics.registry
        if each.component == name and each.test in wanted
    ]
    without = [name for name in components if name not in {each.component for each in found}]
    if without or not found:
        names = ", ".join(without) or "No component"
        raise InvalidInput.field(
            "tests", "no_such_test", f"{names} has no test {', '.join(sorted(wanted))}."
        )
    return found


def _unknown(field: str, kind: str, given: Sequence[str], known: list[str]) -> Iterator[Detail]:
    names = [name for name in dict.fromkeys(given) if name not in known]
    if names:
        message = f"There is no {kind} {', '.join(names)}; known: {', '.join(known)}."
        yield Detail(field, f"unknown_{kind}", message)
