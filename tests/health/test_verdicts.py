"""What a check's run becomes: outcome, reason, figures that stay numbers."""

from __future__ import annotations

import psycopg
import pytest
import redis
from django.db import OperationalError

from core.api.envelope import dumps
from core.health import checks, queries
from core.health.board import board
from core.health.checks import Outcome, Unhealthy, Warn


def run() -> object:
    board.refresh(force=True)
    [watch] = board.watches()
    return watch.verdict


def raising(error: Exception):
    def measure():
        raise error

    return measure


def test_figures_of_a_passing_check(check):
    check(lambda: {"response_time_ms": 1.5})
    verdict = run()
    assert (verdict.outcome, verdict.reason) == (Outcome.PASS, None)
    assert verdict.figures == {"response_time_ms": 1.5}
    assert verdict.measured_at is not None


@pytest.mark.parametrize(
    ("error", "outcome"),
    [(Warn("half full", used=1), Outcome.WARNING), (Unhealthy("full", used=2), Outcome.FAIL)],
)
def test_a_finding_keeps_what_it_measured(check, error, outcome):
    check(raising(error))
    verdict = run()
    assert (verdict.outcome, verdict.reason) == (outcome, str(error))
    assert verdict.figures == error.figures


@pytest.mark.parametrize(
    "error",
    [
        OperationalError("connection failed: refused\n\tIs the server running?"),
        redis.ConnectionError("connection failed: refused"),
        OSError("connection failed: refused"),
    ],
)
def test_a_dependency_that_is_away_is_told_in_one_line(check, error):
    check(raising(error))
    verdict = run()
    assert (verdict.outcome, verdict.reason) == (Outcome.FAIL, "connection failed: refused")


def test_a_figure_can_not_hide_what_every_check_tells(check):
    with pytest.raises(ValueError, match="age_seconds"):
        check(dict, unmeasured={"age_seconds": 0})


def test_a_check_that_breaks_fails_without_its_insides(check):
    check(raising(KeyError("secret")))
    verdict = run()
    assert verdict.outcome == Outcome.FAIL
    assert verdict.reason == "the check itself broke: KeyError"


def test_figures_stay_those_measured_last_while_it_fails(check):
    answers: list[object] = [{"response_time_ms": 7.0}, psycopg.OperationalError("gone")]

    def measure():
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise OperationalError(str(answer))
        return answer

    check(measure, unmeasured={"response_time_ms": 0.0})
    first, second = run(), run()
    assert second.outcome == Outcome.FAIL
    assert second.figures == {"response_time_ms": 7.0}
    assert second.measured_at == first.measured_at


def test_figures_never_measured_are_numbers_without_a_time(check):
    check(raising(OSError("gone")), unmeasured={"response_time_ms": 0.0})
    verdict = run()
    assert verdict.figures == {"response_time_ms": 0.0}
    assert verdict.measured_at is None


@pytest.mark.parametrize("figures", [["a list"], {"text": "\ud83d"}, 3], ids=["list", "half", "3"])
def test_figures_that_can_not_be_told_break_their_check_and_no_document(check, figures):
    check(lambda: figures)
    verdict = run()
    assert verdict.outcome == Outcome.FAIL
    assert verdict.reason.startswith("the check itself broke")
    assert dumps(queries.components())


def test_a_reason_is_always_one_that_can_be_told_and_kept(check):
    check(raising(Unhealthy("half \ud83d and NUL \0" + "x" * 5000)))
    reason = run().reason
    assert "\0" not in reason
    assert len(reason) <= 2000
    assert dumps(queries.components())


def test_measured_figures_never_replace_what_every_check_tells(check):
    check(lambda: {"status": "pass", "name": "other", "depth": 3})
    run()
    [component] = queries.components()["components"]
    assert {"name": "works", "status": "pass", "depth": 3}.items() <= component["checks"][0].items()


@pytest.mark.parametrize("broken", [lambda figures: figures["missing"], lambda figures: None])
def test_a_summary_that_breaks_hides_only_itself(check, broken):
    check(lambda: {"depth": 3})
    checks.component("part")(broken)
    run()
    assert queries.status()["components"]["part"]["status"] == "healthy"
