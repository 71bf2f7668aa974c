"""A check that hangs fails alone, is never doubled, and recovers by itself."""

from __future__ import annotations

import threading
import time

import pytest

from core.health import queries
from core.health.board import board
from core.health.checks import Outcome
from tests.waiting import until


class Hangs:
    """A measurement that hangs until it is let go, and counts its calls."""

    def __init__(self) -> None:
        self.calls = 0
        self.let_go = threading.Event()

    def __call__(self) -> dict[str, float]:
        self.calls += 1
        self.let_go.wait(30)
        return {"response_time_ms": 1.0}


@pytest.fixture
def hangs():
    measurement = Hangs()
    yield measurement
    measurement.let_go.set()


def verdict(name: str):
    board.turn()
    found = {watch.name: watch.verdict for watch in board.watches()}
    return found[name]


def test_it_fails_after_its_deadline_and_says_so(check, hangs):
    check(hangs, deadline=0.3)
    began = time.monotonic()
    found = until(lambda: verdict("part.works"))
    assert found.outcome == Outcome.FAIL
    assert found.reason == "did not answer within 0.3 s"
    assert 0.25 < time.monotonic() - began < 1.0


def test_it_delays_no_other_check(check, hangs):
    check(hangs, name="hangs", deadline=5.0)
    check(lambda: {"figure": 1}, name="answers")
    first = until(lambda: verdict("part.answers"))
    until(lambda: verdict("part.answers").clock > first.clock)
    assert verdict("part.hangs") is None


def test_it_is_not_started_again_while_it_hangs(check, hangs):
    check(hangs, deadline=0.1, cadence=0.05)
    until(lambda: verdict("part.works"))
    for _ in range(20):
        board.turn()
        board.refresh(force=True)
    assert hangs.calls == 1


def test_asking_again_does_not_wait_for_it_again(check, hangs):
    check(hangs, deadline=0.3)
    queries.components()
    began = time.monotonic()
    queries.components()
    assert time.monotonic() - began < 0.1


def test_it_passes_again_once_it_answers(check, hangs):
    check(hangs, deadline=0.1, cadence=0.05)
    until(lambda: verdict("part.works"))
    hangs.let_go.set()
    until(lambda: verdict("part.works").outcome == Outcome.PASS)


def test_an_answer_after_the_deadline_is_a_failure_too(check):
    pause = threading.Event()
    check(lambda: {"late": pause.wait(0.3)}, deadline=0.1)
    board.refresh()
    until(lambda: not [t for t in threading.enumerate() if t.name == "check-part.works"])
    [watch] = board.watches()
    assert watch.verdict.outcome == Outcome.FAIL


def test_asking_without_a_background_waits_for_the_deadline_at_most(check, hangs):
    for name in ("one", "two", "three"):
        check(hangs, name=name, deadline=0.3)
    began = time.monotonic()
    document = queries.components()
    assert 0.25 < time.monotonic() - began < 0.9
    [component] = document["components"]
    assert [each["status"] for each in component["checks"]] == ["fail"] * 3
