"""An option says its value from memory, checks others, and tells who listens."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from pydantic import AfterValidator, Field

from core import options
from core.options import Option, Snapshot
from core.registry import AlreadyRegistered


class Colour(Enum):
    RED = "red"


PERCENT = Annotated[int, Field(ge=0, le=100)]
Declare = Callable[..., Option[Any]]


@pytest.fixture
def declare() -> Iterator[Declare]:
    """Declare options of a section `test` that are gone after the test."""
    made: list[str] = []

    def add(name: str, type_: Any, **more: Any) -> Option[Any]:
        made.append(f"test.{name}")
        return options.declare(f"test.{name}", type_, help="For a test.", **more)

    yield add
    for key in made:
        options.remove(key)


def test_the_default_counts_until_something_else_is_said(declare):
    share = declare("share", PERCENT, default=10)
    assert share.value == 10
    with options.replaced({"test.share": 20}):
        assert (share.value, share.source_in(options.current())) == (20, "override")
    assert (share.value, share.source_in(options.current())) == (10, "default")


def test_the_environment_wins(declare):
    share = declare("share", PERCENT, default=10, variable="SHARE", environment=30)
    with options.replaced({"test.share": 20}):
        assert (share.value, share.source_in(options.current())) == (30, "environment")
    assert not share.is_writable


def test_a_read_only_option_has_no_override(declare):
    share = declare("share", PERCENT, default=10, read_only=True)
    with options.replaced({"test.share": 20}):
        assert (share.value, share.source_in(options.current())) == (10, "default")


@pytest.mark.parametrize(
    ("type_", "default", "value", "code"),
    [
        (PERCENT, 1, 101, "out_of_range"),
        (PERCENT, 1, "5", "invalid_type"),
        (PERCENT, 1, 5.5, "invalid_type"),
        (PERCENT, 1, True, "invalid_type"),
        (PERCENT, 1, None, "invalid_type"),
        (float, 1.0, float("nan"), "invalid"),
        (float, 1.0, "1", "invalid_type"),
        (bool, True, 1, "invalid_type"),
        (str, "", "x\0y", "invalid"),
        (str, "", "x" * 70_000, "too_large"),
        (Literal["a", "b"], "a", "c", "invalid"),
        (list[str], [], ["a", 1], "invalid_type"),
        (dict[str, PERCENT], {}, {"a": 101}, "out_of_range"),
    ],
)
def test_a_value_that_does_not_fit_is_told_why(declare, type_, default, value, code):
    problem = declare("value", type_, default=default).problem(value)
    assert problem is not None
    assert (problem.code, problem.field.startswith("test.value")) == (code, True)


@pytest.mark.parametrize("value", [0, 100, 7])
def test_a_value_that_fits_has_no_problem(declare, value):
    assert declare("value", PERCENT, default=1).problem(value) is None


@pytest.mark.parametrize(
    ("key", "type_", "default"),
    [
        ("nodot", int, 1),
        ("A.b", int, 1),
        ("reason.why", int, 1),
        ("test.value", PERCENT, 101),
        ("test.v", int | None, 1),
        ("test.v", Colour, Colour.RED),
        ("test.v", tuple[int, int], (1, 2)),
    ],
)
def test_a_wrong_declaration_is_refused(key, type_, default):
    with pytest.raises(ValueError):
        options.declare(key, type_, default=default, help="")
    assert key not in options.registry


def test_a_key_is_declared_once(declare):
    declare("share", PERCENT, default=10)
    with pytest.raises(AlreadyRegistered):
        options.declare("test.share", PERCENT, default=10, help="")


def test_an_override_that_does_not_fit_any_more_is_not_used_but_told(declare):
    share = declare("share", PERCENT, default=10)
    with options.replaced({"test.share": 1000}):
        assert share.value == 10
        assert share.source_in(options.current()) == "default"
        assert "test.share" in options.current().problems


def test_an_override_may_be_there_before_its_option(declare):
    with options.replaced({"test.share": 20, "test.other": "wrong"}):
        assert declare("share", PERCENT, default=10).value == 20
        assert declare("other", PERCENT, default=10).value == 10


def test_listeners_hear_of_their_own_options_only(declare):
    declare("share", PERCENT, default=10)
    declare("other", PERCENT, default=10)
    heard: list[str] = []
    options.on_change("test.share")(lambda: heard.append("share"))
    options.on_change("test.other")(lambda: heard.append("other"))
    with options.replaced({"test.share": 20}):
        assert heard == ["share"]
    assert heard == ["share", "share"]


def test_a_listener_that_fails_stops_no_other(declare):
    share = declare("share", PERCENT, default=10)
    heard: list[int] = []

    @options.on_change("test.share")
    def broken() -> None:
        raise ZeroDivisionError

    options.on_change("test.share")(lambda: heard.append(share.value))
    with options.replaced({"test.share": 20}):
        assert heard == [20]


def test_an_older_revision_does_not_come_back(declare):
    share = declare("share", PERCENT, default=10)
    with options.replaced({}):
        newest = options.current().revision + 2
        assert options.apply(Snapshot(newest, {"test.share": 20})) == {"test.share"}
        assert options.apply(Snapshot(newest - 1, {"test.share": 30})) == frozenset()
        assert share.value == 20


def test_a_block_keeps_the_values_it_began_with_and_other_threads_do_not(declare):
    share = declare("share", PERCENT, default=10)
    seen: list[int] = []
    with options.held():
        with options.replaced({"test.share": 20}):
            thread = threading.Thread(target=lambda: seen.append(share.value))
            thread.start()
            thread.join()
            assert (share.value, seen) == (10, [20])
            with options.held():
                assert share.value == 20
        assert share.value == 10


def test_a_validator_that_breaks_makes_a_problem_and_nothing_else(declare):
    def look_up(value: str) -> str:
        return {"a": "b"}[value]

    option = declare("value", Annotated[str, AfterValidator(look_up)], default="a")
    assert option.problem("x").code == "invalid"
    with options.replaced({"test.value": "x"}):
        assert option.value == "a"
