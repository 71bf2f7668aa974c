"""What operators may tune about tasks; a running attempt keeps what it began with."""

from __future__ import annotations

import time

import pytest
from django.utils import timezone

from core import options
from tasks import draining, runner, transitions
from tasks.models import Task
from tasks.retention import KEEP_DAYS
from tests.tasks import specimens
from tests.tasks.workers import fresh, start


@pytest.mark.option("tasks.default_timeout_seconds")
def test_a_job_without_a_limit_of_its_own_takes_the_configured_one(engine):
    with options.replaced({"tasks.default_timeout_seconds": 120}):
        assert start("specimen.plain").timeout == 120
        assert start("specimen.slow").timeout == specimens.Slow.timeout
    assert start("specimen.plain").timeout == 3600


@pytest.mark.option("tasks.max_attempts")
def test_a_job_without_a_number_of_attempts_takes_the_configured_one(engine):
    with options.replaced({"tasks.max_attempts": 7}):
        assert start("specimen.plain").max_attempts == 7
        assert start("specimen.sturdy").max_attempts == specimens.Sturdy.max_attempts
    assert start("specimen.plain").max_attempts == 3


def retried_in(task: Task) -> float:
    """Seconds that the task waits after an attempt that failed."""
    assert runner.run(task.id)
    return (fresh(task).not_before - timezone.now()).total_seconds()


@pytest.mark.option("tasks.retry_seconds")
def test_the_first_pause_is_as_configured(engine):
    with options.replaced({"tasks.retry_seconds": 30}):
        assert 20 < retried_in(start("specimen.flaky")) <= 30


@pytest.mark.option("tasks.longest_retry_seconds")
def test_no_pause_is_longer_than_configured(engine, monkeypatch):
    monkeypatch.setattr(specimens.Failing, "retry_on", (ValueError,))
    task = start("specimen.failing")
    Task.objects.filter(pk=task.pk).update(attempts=15, max_attempts=99)
    with options.replaced({"tasks.longest_retry_seconds": 120}):
        assert 110 < retried_in(task) <= 120


@pytest.mark.option("tasks.cancel_wait_seconds")
def test_a_cancel_waits_as_long_as_configured(api, engine):
    task = start("specimen.plain")
    transitions.claim(task.id, worker="busy")
    began = time.monotonic()
    with options.replaced({"tasks.cancel_wait_seconds": 0.2}):
        assert api.delete(f"/api/v1/tasks/{task.external_id}").status_code == 202
    assert time.monotonic() - began < 3


@pytest.mark.option("tasks.shutdown_grace_seconds")
@pytest.mark.parametrize(("grace", "is_due"), [(0, True), (30, False)])
def test_a_worker_that_shuts_down_waits_as_long_as_configured(engine, grace, is_due):
    with options.replaced({"tasks.shutdown_grace_seconds": grace}):
        draining.begin()
    assert draining.hand_back_due() is is_due


def test_a_running_attempt_keeps_the_values_it_began_with(engine):
    task, again = start("specimen.reading"), start("specimen.reading")
    with options.replaced({"tasks.keep_days": 8}):
        runner.run(task.id)
    assert fresh(task).result == {"before": 8, "changed_to": 5, "after": 8}
    runner.run(again.id)
    assert fresh(again).result == {"before": 90, "changed_to": 5, "after": 90}
    assert KEEP_DAYS.value == 90
