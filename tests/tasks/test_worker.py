from __future__ import annotations

from tasks.models import Status, TaskLog
from tests.tasks.workers import effects, start, wait_for


def test_a_worker_runs_what_is_started(worker):
    task = wait_for(start("specimen.plain"), "completed", "failed")
    assert (task.status, task.error_message) == (Status.COMPLETED, "")
    assert task.progress == 1.0
    assert effects(task.id) == ["first", "second"]
    assert list(task.steps.values_list("status", flat=True)) == ["completed", "completed"]
    assert TaskLog.objects.filter(task=task, message="first begins").count() == 1
