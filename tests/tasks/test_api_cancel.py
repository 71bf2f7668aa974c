"""DELETE /tasks/{task_id} and POST /tasks/{task_id}/retry"""

from __future__ import annotations

import time

import pytest

from core.access.models import AuditEntry
from core.access.scopes import READ_SYSTEM
from tasks import runner, transitions
from tasks.models import Task
from tests.contract.loading import operations as contract
from tests.contract.matching import Matcher
from tests.tasks import specimens  # noqa: F401 - registers the jobs
from tests.tasks.workers import effects, fresh, start, wait_for


def url(task, suffix: str = "") -> str:
    return f"/api/v1/tasks/{task.external_id}{suffix}"


def test_a_pending_task_never_starts(api, engine):
    task = start("specimen.plain")
    response = api.delete(url(task))
    assert response.status_code == 200
    example = contract()["cancel_task"]
    assert list(Matcher().complaints(example.response, response.json()["data"])) == []
    assert response.json()["data"]["status"] == "cancelled"
    assert runner.run(task.id) is False
    assert effects(task.id) == []


def test_repeating_it_gives_the_same_answer(api, engine):
    task = start("specimen.plain")
    assert api.delete(url(task)).json() == api.delete(url(task)).json()
    assert AuditEntry.objects.filter(action="task.cancel").count() == 1


@pytest.mark.parametrize(("job", "status"), [("plain", "completed"), ("failing", "failed")])
def test_a_finished_task_is_a_conflict(api, engine, job, status):
    task = start(f"specimen.{job}")
    runner.run(task.id)
    response = api.delete(url(task))
    assert response.status_code == 409
    assert response.json()["error"]["code"] == "already_finished"
    assert status in response.json()["error"]["message"]


def test_a_running_task_is_stopped_within_the_wait(api, worker):
    task = wait_for(start("specimen.plain", seconds=60), "running")
    response = api.delete(url(task))
    assert response.status_code == 200
    assert response.json()["data"]["cancelled_at"] is not None
    assert effects(task.id) == ["clean_up"]


def test_one_that_does_not_stop_in_time_is_cancelling(api, engine):
    task = start("specimen.plain")
    transitions.claim(task.id, worker="busy")
    began = time.monotonic()
    response = api.delete(url(task))
    assert 4.5 < time.monotonic() - began < 7
    assert response.status_code == 202
    assert response.json()["data"]["status"] == "cancelling"
    assert response.headers["Location"] == url(task)
    again = api.delete(url(task), headers={"Prefer": "respond-async"})
    assert (again.status_code, again.json()) == (202, response.json())


def test_it_needs_the_scope_for_tasks(api, engine, make_key):
    task = start("specimen.plain")
    response = api.delete(url(task), headers={"X-API-Key": make_key(READ_SYSTEM)})
    assert response.status_code == 403
    assert "admin:tasks" in response.json()["error"]["message"]
    assert fresh(task).status == "pending"


def test_a_failed_task_is_retried_as_a_new_one(api, engine):
    task = start("specimen.failing", seconds=3)
    runner.run(task.id)
    response = api.post(url(task, "/retry"))
    assert response.status_code == 202
    again = Task.objects.get(retry_of=task)
    assert response.headers["Location"] == url(again)
    assert response.json()["data"]["retry_of"] == task.external_id
    assert (again.status, again.parameters) == ("pending", task.parameters)


def test_a_task_that_did_not_fail_is_not_retried(api, engine):
    response = api.post(url(start("specimen.plain"), "/retry"))
    assert response.status_code == 409
    assert response.json()["error"]["code"] == "not_retryable"
