"""Operators may change how often each check runs, and how long it may take."""

from __future__ import annotations

import logging
import threading
import time

import pytest

from core import options
from core.health.board import board
from core.health.checks import Outcome
from tests.waiting import until


@pytest.mark.option("health.cadence_seconds")
def test_a_check_runs_as_often_as_configured(check):
    runs: list[float] = []
    check(lambda: runs.append(time.monotonic()), cadence=3600.0)
    board.refresh()
    board.turn()
    assert len(runs) == 1
    with options.replaced({"health.cadence_seconds": {"part.works": 0.5}}):
        until(lambda: board.turn() or len(runs) == 3)
    assert runs[2] - runs[1] >= 0.45


@pytest.mark.option("health.deadline_seconds")
def test_a_check_fails_after_the_configured_deadline(check):
    let_go = threading.Event()
    check(lambda: {"ended": let_go.wait(30)}, deadline=20.0)
    began = time.monotonic()
    with options.replaced({"health.deadline_seconds": {"part.works": 0.2}}):
        board.refresh()
    let_go.set()
    [watch] = board.watches()
    assert (watch.verdict.outcome, watch.verdict.reason) == (
        Outcome.FAIL,
        "did not answer within 0.2 s",
    )
    assert time.monotonic() - began < 5


def test_a_name_that_no_check_has_is_told(check, caplog):
    check(dict)
    known = {"health.cadence_seconds": {"part.works": 1}}
    with caplog.at_level(logging.WARNING, "core.health.checks"), options.replaced(known):
        assert caplog.messages == []
        with options.replaced({"health.deadline_seconds": {"part.wroks": 1}}):
            assert caplog.messages == ["a cadence or deadline is set for part.wroks: no such check"]
