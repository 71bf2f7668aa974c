"""One test: whatever it does becomes a result."""

from __future__ import annotations

import pytest
import redis
from django.db import OperationalError

from core.health import checks
from core.health.checks import Outcome, Unhealthy, Warn
from services.diagnostics import running
from tasks.interrupts import CancelRequested
from tests.diagnostics.callers import Cancelling, Patient


def raising(error: BaseException):
    def run(*_):
        raise error

    return run


def test_what_it_returns_is_what_it_measured(diagnostic):
    result = running.run(diagnostic(lambda context: {"figure": 1}), Patient())
    assert (result.status, result.reason, result.figures) == (Outcome.PASS, "", {"figure": 1})
    assert result.duration_ms > 0


def test_a_sentence_is_a_result_too(diagnostic):
    result = running.run(diagnostic(lambda context: "all well"), Patient())
    assert result.figures == {"message": "all well"}


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (Warn("slow", figure=1), Outcome.WARNING, "slow"),
        (Unhealthy("gone", figure=1), Outcome.FAIL, "gone"),
        (OperationalError("refused\nhint"), Outcome.FAIL, "refused"),
        (redis.ConnectionError("refused"), Outcome.FAIL, "refused"),
        (KeyError("x"), Outcome.FAIL, "the test itself broke: KeyError: 'x'"),
    ],
)
def test_what_it_raises_becomes_its_reason(diagnostic, error, status, reason):
    result = running.run(diagnostic(raising(error)), Patient())
    assert (result.status, result.reason) == (status, reason)


def test_a_cancel_is_not_a_result(diagnostic):
    def run(context):
        context.progress(1.0)

    with pytest.raises(CancelRequested):
        running.run(diagnostic(run), Cancelling(at=0.5))


def test_it_fails_when_its_time_is_up(diagnostic):
    def run(context):
        while True:
            context.checkpoint()

    result = running.run(diagnostic(run, seconds=0.2), Patient())
    assert (result.status, result.reason) == (Outcome.FAIL, "did not end within 0.2 s")
    assert result.duration_ms < 1000


def test_stress_is_not_started_on_an_unhealthy_component(diagnostic, monkeypatch):
    monkeypatch.setattr(checks.registry, "_entries", {})
    checks.register(component="part", name="works")(raising(Unhealthy("gone")))
    ran = []
    result = running.run(diagnostic(ran.append, test="stress"), Patient())
    assert (ran, result.status) == ([], Outcome.FAIL)
    assert result.reason == "not started: the component is unhealthy (works: gone)"


@pytest.mark.parametrize("test", ["connectivity", "performance"])
def test_other_tests_are_run_on_an_unhealthy_component(diagnostic, monkeypatch, test):
    monkeypatch.setattr(checks.registry, "_entries", {})
    checks.register(component="part", name="works")(raising(Unhealthy("gone")))
    result = running.run(diagnostic(lambda context: {}, test=test), Patient())
    assert result.status == Outcome.PASS
