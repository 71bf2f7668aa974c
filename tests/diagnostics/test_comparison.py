"""A result against this instance's own earlier ones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from core import options, retention
from core.health.checks import Outcome
from services.diagnostics import running
from services.diagnostics.comparison import compare
from services.diagnostics.models import DiagnosticResult
from tests.diagnostics.callers import Patient

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def latency(diagnostic):
    """A test whose lead figure is a latency, and values of earlier runs."""

    def with_earlier(*values: float, better: str = "lower", status: str = "pass"):
        for value in values:
            DiagnosticResult.objects.create(
                run=uuid4(),
                component="part",
                test="performance",
                status=status,
                duration_ms=1.0,
                figures={"figure": value},
                finished_at=datetime.now(UTC),
            )
        return diagnostic(
            lambda context: {"figure": 10.0}, test="performance", lead="figure", better=better
        )

    return with_earlier


def against(diagnostic, value):
    return compare(diagnostic, {"figure": value}, run=uuid4())


def test_fewer_than_three_runs_say_nothing(latency):
    assert against(latency(1.0, 1.0), 100.0) is None


def test_the_median_is_what_is_usual(latency):
    found = against(latency(1.0, 2.0, 90.0), 3.0)
    assert (found["usual"], found["runs"], found["ratio"]) == (2.0, 3, 1.5)
    assert found["worse"] is False


def test_failed_runs_do_not_count(latency):
    assert against(latency(1.0, 1.0, 1.0, status="fail"), 1.0) is None


@pytest.mark.parametrize(
    ("better", "value", "worse"),
    [("lower", 5.0, True), ("lower", 0.5, False), ("higher", 0.5, True), ("higher", 5.0, False)],
)
def test_which_direction_is_worse_depends_on_the_figure(latency, better, value, worse):
    found = against(latency(2.0, 2.0, 2.0, better=better), value)
    assert found["worse"] is worse
    assert (found["ratio"] > 1) is worse


def test_slower_than_usual_is_a_warning_and_is_kept(latency):
    diagnostic, run = latency(2.0, 2.0, 2.0), uuid4()
    result = running.keep(running.run(diagnostic, Patient()), run=run, diagnostic=diagnostic)
    assert result.status == Outcome.WARNING
    assert result.reason == "figure is 10, usually 2 (the median of 3 earlier runs)"
    kept = DiagnosticResult.objects.get(run=run)
    assert (kept.status, kept.comparison["ratio"]) == ("warning", 5.0)


def test_a_test_that_is_repeated_replaces_its_result(latency):
    diagnostic, run = latency(), uuid4()
    for _ in range(2):
        running.keep(running.run(diagnostic, Patient()), run=run, diagnostic=diagnostic)
    assert DiagnosticResult.objects.filter(run=run).count() == 1


@pytest.mark.option("diagnostics.worse_ratio")
def test_what_counts_as_worse_can_be_changed(latency):
    diagnostic = latency(2.0, 2.0, 2.0)
    assert against(diagnostic, 3.0)["worse"] is False
    with options.replaced({"diagnostics.worse_ratio": 1.2}):
        assert against(diagnostic, 3.0)["worse"] is True


@pytest.mark.option("diagnostics.keep_days")
def test_how_long_results_are_kept_can_be_changed(latency):
    latency(1.0)
    DiagnosticResult.objects.update(finished_at=datetime.now(UTC) - timedelta(days=5))
    rule = retention.rules.get("diagnostics.results")
    assert rule.delete_batch().rows == 0
    with options.replaced({"diagnostics.keep_days": 4}):
        assert rule.delete_batch().rows == 1
