"""Which tests a run consists of."""

from __future__ import annotations

import pytest

from core.errors import InvalidInput
from core.health import diagnostics
from services.diagnostics.selection import select

COMPONENTS = {"database", "cache", "event_bus", "task_queue", "disk"}


def names(components=(), tests=()) -> set[tuple[str, str]]:
    return {(each.component, each.test) for each in select(components, tests)}


def test_nothing_named_is_connectivity_of_every_component():
    assert names() == {(component, "connectivity") for component in COMPONENTS}


def test_every_component_has_all_three_kinds():
    found = names(tests=["connectivity", "performance", "stress"])
    assert found == {(c, t) for c in COMPONENTS for t in diagnostics.TESTS}


def test_named_twice_is_run_once():
    assert names(["cache", "cache"], ["stress", "stress"]) == {("cache", "stress")}


@pytest.mark.parametrize(
    ("components", "tests", "field", "known"),
    [
        (["nonsense"], [], "components", "database"),
        (["cache", "nonsense"], [], "components", "cache"),
        ([], ["nonsense"], "tests", "connectivity, performance, stress"),
    ],
)
def test_an_unknown_name_is_refused_naming_the_known(components, tests, field, known):
    with pytest.raises(InvalidInput, match="nonsense") as refused:
        select(components, tests)
    [detail] = refused.value.details
    assert detail.field == field
    assert known in detail.message


def test_a_component_without_such_a_test_is_refused(diagnostic):
    diagnostic(lambda context: {})
    diagnostics.register("other", "stress")(lambda context: {})
    with pytest.raises(InvalidInput, match="part has no test stress"):
        select(["part"], ["stress"])


def test_every_wrong_field_is_named_at_once():
    with pytest.raises(InvalidInput) as refused:
        select(["nonsense"], ["nothing"])
    assert [each.field for each in refused.value.details] == ["components", "tests"]
