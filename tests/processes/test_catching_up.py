"""What has to be read anew is read once a process listens, and until that works."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from core.processes import catching_up, control
from tests.waiting import until


@pytest.fixture
def reads() -> Iterator[list[str]]:
    """Which of two functions were run; "fails" raises as often as "failures" says."""
    done: list[str] = []
    failures = ["fails"] * 2

    def fails() -> None:
        done.append("fails")
        if failures:
            failures.pop()
            raise ValueError

    catching_up.registry.add("test.fails", fails)
    catching_up.registry.add("test.works", lambda: done.append("works"))
    yield done
    for name in ("test.fails", "test.works"):
        catching_up.registry.remove(name)


def test_each_is_run_once_and_one_that_fails_until_it_works(reads, running):
    running("web")
    until(lambda: reads.count("fails") == 3)
    control.broadcast("test.unknown", {}, wait_seconds=5)
    assert sorted(reads) == ["fails"] * 3 + ["works"]


def test_it_is_run_again_after_falling_behind(reads, running):
    running("web")
    until(lambda: reads.count("fails") == 3)
    catching_up.fall_behind("test.works")
    until(lambda: reads.count("works") == 2)
    assert reads.count("fails") == 3
