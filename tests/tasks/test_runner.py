"""How an attempt goes: steps, failure, retry, cancel, timeout, clean-up."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from core.access.actor import SYSTEM
from core.events.models import Event
from tasks import draining, operations, runner, transitions
from tasks.models import Status, Task, TaskLog
from tests.tasks import specimens  # noqa: F401 - registers the jobs
from tests.tasks.workers import effects, fresh, start


def ran(task: Task) -> Task:
    assert runner.run(task.id)
    return fresh(task)


def lose_worker(task: Task) -> None:
    """As if a worker had claimed the task and died."""
    assert transitions.claim(task.id, worker="dead") is not None
    Task.objects.filter(pk=task.pk).update(lease_expires_at=Now() - timedelta(seconds=1))


def events(task: Task) -> list[str]:
    return list(Event.objects.filter(subject=task.external_id).values_list("name", flat=True))


def test_a_job_runs_its_steps_in_order(engine):
    task = ran(start("specimen.plain"))
    assert task.status == Status.COMPLETED
    assert effects(task.id) == ["first", "second"]
    assert task.result["first_by"] == task.state["first_by"]
    assert (task.progress, task.attempts, task.lease_expires_at) == (1.0, 1, None)
    assert set(events(task)) == {"task.created", "task.completed"}


def test_a_result_may_hold_what_the_api_can_write(engine):
    task = ran(start("specimen.telling"))
    assert (task.status, task.error_message) == (Status.COMPLETED, "")
    assert task.result == {"by_status": {"completed": 2}, "task": str(task.id)}


def test_a_failing_step_leaves_no_effect_and_the_job_cleans_up(engine):
    task = ran(start("specimen.failing"))
    assert (task.status, task.error_code) == (Status.FAILED, "job_error")
    assert task.error_message == "ValueError: the specimen fails"
    assert "specimens.py" in task.traceback
    assert effects(task.id) == ["work", "clean_up"]
    assert list(task.steps.values_list("status", flat=True)) == ["completed", "failed"]
    assert "task.failed" in events(task)


def test_a_retry_goes_on_after_the_steps_that_are_complete(engine):
    task = ran(start("specimen.flaky"))
    assert (task.status, task.attempts) == (Status.PENDING, 1)
    assert task.not_before > task.started_at
    Task.objects.filter(pk=task.pk).update(not_before=None)
    task = ran(task)
    assert (task.status, task.attempts) == (Status.COMPLETED, 2)
    assert effects(task.id) == ["work", "settle"]


def test_after_a_lost_worker_the_task_goes_on(engine):
    task = start("specimen.plain")
    lose_worker(task)
    task = ran(task)
    assert (task.status, task.attempts) == (Status.COMPLETED, 2)


def test_a_task_that_loses_its_worker_too_often_fails_and_says_why(engine):
    task = start("specimen.plain")
    for _ in range(task.max_attempts):
        lose_worker(task)
    task = ran(task)
    assert (task.status, task.error_code) == (Status.FAILED, "worker_lost")
    assert task.error_message == "Its worker was lost 3 times while running it."
    assert effects(task.id) == ["clean_up"]


def test_even_a_clean_up_that_kills_its_worker_comes_to_an_end(engine):
    task = start("specimen.plain")
    for _ in range(task.max_attempts + transitions.CLEAN_UP_ATTEMPTS):
        lose_worker(task)
    task = ran(task)
    assert (task.status, effects(task.id)) == (Status.FAILED, [])


def test_an_external_effect_that_may_have_happened_is_not_repeated(engine):
    task = start("specimen.once")
    claim = transitions.claim(task.id, worker="dead")
    transitions.start_step(claim.steps[0])
    Task.objects.filter(pk=task.pk).update(lease_expires_at=Now() - timedelta(seconds=1))
    task = ran(task)
    assert (task.status, task.error_code) == (Status.FAILED, "outcome_unknown")
    assert effects(task.id) == ["clean_up"]


def test_a_job_that_takes_too_long_is_stopped_at_a_checkpoint(engine):
    task = ran(start("specimen.slow"))
    assert (task.status, task.error_code) == (Status.FAILED, "timed_out")
    assert effects(task.id) == ["clean_up"]


def test_a_cancelled_run_that_lost_its_worker_is_only_cleaned_up(engine):
    task = start("specimen.plain")
    lose_worker(task)
    assert operations.cancel(task_id=task.id, actor=SYSTEM).shown_status == "cancelling"
    task = ran(task)
    assert (task.status, effects(task.id)) == (Status.CANCELLED, ["clean_up"])
    assert "task.cancelled" in events(task)


def test_a_draining_worker_hands_a_long_job_back_without_counting_the_attempt(engine):
    task = start("specimen.plain", seconds=60)
    draining.begin(grace_seconds=0.2)
    task = ran(task)
    assert (task.status, task.attempts, effects(task.id)) == (Status.PENDING, 0, [])
    assert not task.steps.filter(status="running").exists()


def test_a_draining_worker_lets_a_short_job_end(engine):
    draining.begin(grace_seconds=30)
    assert ran(start("specimen.plain", seconds=0.1)).status == Status.COMPLETED


def test_a_step_that_only_waits_gives_way_before_the_grace_is_over(engine):
    task = start("specimen.waiting")
    draining.begin(grace_seconds=30)
    assert (ran(task).status, fresh(task).attempts) == (Status.PENDING, 0)


def test_a_step_that_must_not_be_repeated_is_not_tried_again(engine):
    task = ran(start("specimen.once_flaky"))
    assert (task.status, task.error_code) == (Status.FAILED, "outcome_unknown")
    assert "perhaps it was done" in task.error_message
    assert effects(task.id) == ["act", "clean_up"]


def test_a_task_of_a_type_that_is_gone_fails(engine):
    task = start("specimen.plain")
    Task.objects.filter(pk=task.pk).update(type="specimen.gone")
    assert ran(task).error_code == "unknown_job_type"


def test_log_lines_are_kept_when_the_step_is_rolled_back(engine):
    task = ran(start("specimen.failing"))
    assert TaskLog.objects.filter(task=task, level="ERROR").count() == 1


@pytest.mark.parametrize(("seconds", "ends"), [("0", "completed"), ("600", "cancelled")])
def test_the_hook_for_stuck_jobs_is_left_alone_by_others(engine, seconds, ends):
    task = start("specimen.command", seconds=float(seconds))
    called: list[bool] = []
    if ends == "cancelled":
        Task.objects.filter(pk=task.pk).update(
            cancel_requested_at=Now(), started_at=Now(), attempts=1
        )
    assert runner.run(task.id, on_stuck=lambda: called.append(True))
    assert (fresh(task).status, called) == (ends, [])
