from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from core import options
from core.access.actor import SYSTEM
from core.retention import Rule, rules
from tasks import operations, runner
from tasks.models import Status, Task, TaskLog, TaskStep
from tests.tasks import specimens  # noqa: F401 - registers the jobs
from tests.tasks.workers import fresh, start


def aged(task: Task, days: int) -> Task:
    Task.objects.filter(pk=task.pk).update(completed_at=Now() - timedelta(days=days))
    return task


def finished(job_type: str = "specimen.plain") -> Task:
    task = start(job_type)
    runner.run(task.id)
    return task


def cleaned() -> Task:
    task = start("database_cleanup")
    runner.run(task.id)
    return fresh(task)


def test_it_deletes_what_is_past_its_time_and_counts_it(engine):
    old, recent = aged(finished(), 91), aged(finished(), 89)
    TaskLog.objects.all().delete()
    task = cleaned()
    assert (task.status, task.error_message) == (Status.COMPLETED, "")
    assert not Task.objects.filter(pk=old.pk).exists()
    assert not TaskStep.objects.filter(task_id=old.pk).exists()
    assert Task.objects.filter(pk=recent.pk).exists()
    assert task.result["records_cleaned"] == 1
    assert 0.0002 < task.result["space_freed_mb"] < 0.005


def test_a_rule_that_breaks_is_told_and_keeps_no_other_from_its_rows(engine):
    old = aged(finished(), 91)
    before = dict(rules.items())
    rules._entries = {"broken": Rule("broken", lambda: 1 / 0), **before}
    try:
        task = cleaned()
    finally:
        rules._entries = before
    assert (task.status, task.error_code) == (Status.FAILED, "rules_broken")
    assert "broken" in task.error_message
    assert not Task.objects.filter(pk=old.pk).exists()
    assert TaskLog.objects.filter(task=task, message__contains="ZeroDivisionError").exists()


def test_logs_go_before_their_tasks(engine):
    task = aged(finished(), 31)
    assert TaskLog.objects.filter(task=task).exists()
    cleaned()
    assert fresh(task).status == Status.COMPLETED
    assert not TaskLog.objects.filter(task=task).exists()


def test_canaries_are_kept_for_a_day(engine):
    old, recent = aged(finished("canary"), 2), finished("canary")
    cleaned()
    assert not Task.objects.filter(pk=old.pk).exists()
    assert Task.objects.filter(pk=recent.pk).exists()


def test_tasks_that_run_or_wait_stay_however_old(engine):
    task = start("specimen.plain")
    Task.objects.filter(pk=task.pk).update(created_at=Now() - timedelta(days=999))
    assert cleaned().result == {"records_cleaned": 0, "space_freed_mb": 0.0}
    assert fresh(task).status == Status.PENDING


def test_many_rows_go_in_batches(engine):
    task = aged(finished(), 31)
    TaskLog.objects.bulk_create(
        (TaskLog(task=task, level="INFO", message="x" * 100) for _ in range(2500)), batch_size=1000
    )
    done = cleaned()
    assert done.result["records_cleaned"] >= 2500
    assert done.result["space_freed_mb"] > 0.25


def test_two_do_not_run_at_once(engine):
    holder = start("database_cleanup")
    try:
        operations.start("database_cleanup", parameters={}, actor=SYSTEM)
    except operations.AlreadyRunning as refused:
        assert refused.extra["task_id"] == holder.external_id
    assert Task.objects.filter(type="database_cleanup").count() == 1


@pytest.mark.option("tasks.keep_days")
def test_how_long_tasks_are_kept_can_be_changed(engine):
    old, recent = aged(finished(), 8), aged(finished(), 6)
    with options.replaced({"tasks.keep_days": 7}):
        cleaned()
    assert not Task.objects.filter(pk=old.pk).exists()
    assert Task.objects.filter(pk=recent.pk).exists()


@pytest.mark.option("tasks.keep_log_days")
def test_how_long_logs_are_kept_can_be_changed(engine):
    task = aged(finished(), 3)
    with options.replaced({"tasks.keep_log_days": 2}):
        cleaned()
    assert fresh(task).status == Status.COMPLETED
    assert not TaskLog.objects.filter(task=task).exists()


@pytest.mark.option("tasks.keep_hidden_hours")
def test_how_long_canaries_are_kept_can_be_changed(engine):
    canary = aged(finished("canary"), 2)
    with options.replaced({"tasks.keep_hidden_hours": 72}):
        cleaned()
    assert Task.objects.filter(pk=canary.pk).exists()
