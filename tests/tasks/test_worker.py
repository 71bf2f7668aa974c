"""What a real worker does, and survives."""

from __future__ import annotations

import os
import signal
from datetime import timedelta

import psutil
import pytest
from celery import current_app
from django.conf import settings
from django.utils import timezone

from core import ids
from core.access.actor import SYSTEM
from core.valkey import connect
from tasks import doorbell, operations
from tasks.models import Status, Task, TaskLog
from tests.tasks.workers import Worker, effects, fresh, start, wait_for
from tests.waiting import until


def test_a_worker_runs_what_is_started(worker):
    task = wait_for(start("specimen.plain"), "completed", "failed")
    assert (task.status, task.error_message) == (Status.COMPLETED, "")
    assert effects(task.id) == ["first", "second"]
    assert TaskLog.objects.filter(task=task, message="first begins").count() == 1


def test_messages_that_come_twice_or_for_nothing_do_no_harm(worker):
    task = start("specimen.plain", seconds=0.5)
    for _ in range(5):
        doorbell.ring(task.id, queue=task.queue, timeout=10)
    assert wait_for(task, "completed").attempts == 1
    doorbell.ring(task.id, queue=task.queue, timeout=10)
    doorbell.ring(ids.new(), queue=task.queue, timeout=10)
    wait_for(start("specimen.plain"), "completed")
    assert effects(task.id) == ["first", "second"]


def test_a_task_whose_message_got_lost_is_run_all_the_same(worker):
    current_app.control.purge()
    doorbell.trip()  # so that start rings for nobody
    tasks = [start("specimen.plain") for _ in range(20)]
    doorbell.reset()
    for task in tasks:
        wait_for(task, "completed", seconds=20)


def test_tasks_survive_an_emptied_broker(workers):
    doorbell.trip()
    tasks = [start("specimen.plain") for _ in range(20)]
    doorbell.reset()
    workers()
    broker = connect(settings.BROKER_URL)
    broker.flushdb()
    broker.close()
    for task in tasks:
        wait_for(task, "completed", seconds=30)
    assert all(effects(task.id) == ["first", "second"] for task in tasks)


def test_a_task_that_is_not_due_waits(worker):
    soon = timezone.now() + timedelta(seconds=2)
    task = operations.start("specimen.plain", parameters={}, actor=SYSTEM, not_before=soon)
    assert wait_for(task, "completed", seconds=15).started_at >= soon


def test_cancelling_a_running_task_stops_it_and_cleans_up(worker):
    task = wait_for(start("specimen.plain", seconds=60), "running")
    operations.cancel(task_id=task.id, actor=SYSTEM)
    task = wait_for(task, "cancelled", seconds=5)
    assert effects(task.id) == ["clean_up"]
    wait_for(start("specimen.plain"), "completed")  # the worker goes on


def test_cancelling_kills_the_child_processes_but_not_the_worker(worker):
    before = {child.pid for child in worker.children()}
    task = start("specimen.command", seconds=60)
    until(lambda: sleepers(worker))
    operations.cancel(task_id=task.id, actor=SYSTEM)
    wait_for(task, "cancelled", seconds=10)
    assert sleepers(worker) == []
    assert {child.pid for child in worker.children()} == before


def sleepers(worker) -> list[int]:
    """The `sleep`s below this worker."""
    below = psutil.Process(worker.process.pid).children(recursive=True)
    return [each.pid for each in below if each.name() == "sleep"]


def test_a_job_that_never_reaches_a_checkpoint_is_ended_with_its_process(workers):
    worker = workers(concurrency=1)
    task = wait_for(start("specimen.stubborn", seconds=300), "running")
    task = wait_for(task, "failed", seconds=60)
    assert task.error_code == "timed_out"
    assert effects(task.id) == ["clean_up"]
    assert worker.process.poll() is None
    wait_for(start("specimen.plain"), "completed")


def test_a_poison_task_ends_failed_and_the_worker_lives_on(worker):
    task = wait_for(start("specimen.poison"), "failed", seconds=90)
    assert (task.error_code, task.attempts) == ("worker_lost", 3)
    assert effects(task.id) == ["clean_up"]
    assert worker.process.poll() is None
    wait_for(start("specimen.plain"), "completed")


def child_of(task: Task) -> int:
    """The process that runs it."""
    return int(fresh(task).worker.rpartition(":")[2])


def test_the_tasks_of_a_killed_child_go_on_in_the_same_worker(worker):
    task = wait_for(start("specimen.sturdy", seconds=3), "running")
    os.kill(child_of(task), signal.SIGKILL)
    task = wait_for(task, "completed", seconds=40)
    assert (task.attempts, effects(task.id)) == (2, ["first", "second"])


def test_the_tasks_of_a_killed_worker_go_on_in_another(workers):
    first = workers()
    task = wait_for(start("specimen.sturdy", seconds=3), "running")
    first.kill()
    workers()
    task = wait_for(task, "completed", seconds=40)
    assert (task.attempts, effects(task.id)) == (2, ["first", "second"])


def test_a_worker_told_to_stop_ends_short_jobs_and_hands_long_ones_back(workers):
    first = workers(concurrency=2)
    short, long = start("specimen.plain", seconds=2), start("specimen.sturdy", seconds=20)
    wait_for(short, "running")
    wait_for(long, "running")
    first.signal(signal.SIGTERM)
    wait_for(short, "completed", seconds=10)
    back = wait_for(long, "pending", seconds=20)
    assert back.attempts == 0
    first.process.wait(15)
    workers()
    assert wait_for(long, "running", seconds=20).attempts == 1


def stop_the_group(worker: Worker) -> None:
    os.killpg(worker.process.pid, signal.SIGTERM)


def stop_cold(worker: Worker) -> None:
    worker.signal(signal.SIGQUIT)


@pytest.mark.parametrize("stop", [stop_the_group, stop_cold])
def test_jobs_whose_processes_are_told_to_stop_are_handed_back(workers, stop):
    first = workers()
    task = wait_for(start("specimen.plain", seconds=60), "running")
    stop(first)
    assert wait_for(task, "pending", seconds=5).attempts == 0
    first.process.wait(15)
    workers()
    wait_for(task, "running", seconds=20)


def test_a_step_that_must_not_be_repeated_is_not_when_its_process_is_told_to_stop(worker):
    task = wait_for(start("specimen.once", seconds=60), "running")
    until(lambda: effects(task.id))
    os.kill(child_of(task), signal.SIGTERM)
    assert wait_for(task, "failed", seconds=40).error_code == "outcome_unknown"
    assert effects(task.id) == ["act", "clean_up"]
    assert worker.process.poll() is None


def test_short_tasks_do_not_wait_behind_a_long_one(workers):
    workers(concurrency=2)
    wait_for(start("specimen.plain", seconds=30), "running")
    tasks = [wait_for(start("specimen.plain"), "completed") for _ in range(20)]
    waited = sorted((task.started_at - task.created_at).total_seconds() for task in tasks)
    assert waited[len(waited) // 2] < 0.1
