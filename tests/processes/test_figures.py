"""One figure that can't be stored costs no heartbeat, and no other figure."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from core.processes import figures


@pytest.fixture
def measured() -> Iterator[Callable[..., dict]]:
    def with_figure(measure: Callable[[], object]) -> dict:
        figures.registry.add("test.figure", measure)
        figures.registry.add("test.other", lambda: {"depth": 3})
        return {
            name: found for name, found in figures.measured().items() if name.startswith("test.")
        }

    yield with_figure
    figures.registry.remove("test.figure")
    figures.registry.remove("test.other")


@pytest.mark.parametrize(
    "figure", [{"a": "\0"}, {"a": "\ud83d"}, {"a": 2**80}], ids=["NUL", "half", "huge"]
)
def test_what_can_not_be_stored_is_left_out(measured, figure):
    assert measured(lambda: figure) == {"test.other": {"depth": 3}}


def test_what_raises_is_left_out(measured):
    assert measured(lambda: 1 / 0) == {"test.other": {"depth": 3}}


def test_numbers_that_json_lacks_become_null(measured):
    assert measured(lambda: {"a": float("nan")})["test.figure"] == {"a": None}
