"""GET /tasks/{task_id} and its log"""

from __future__ import annotations

import pytest

from tasks import estimates, runner, transitions
from tasks.models import TaskLog, TaskStep
from tests.contract.loading import operations as contract
from tests.contract.matching import Matcher
from tests.tasks import specimens  # noqa: F401 - registers the jobs
from tests.tasks.workers import start


def url(task, suffix: str = "") -> str:
    return f"/api/v1/tasks/{task.external_id}{suffix}"


def test_it_fits_the_contract(api, engine):
    task = start("specimen.plain")
    runner.run(task.id)
    example = contract()["get_task"]
    matcher = Matcher(nullable=example.nullable, open_maps=frozenset({"details"}))
    data = api.get(url(task)).json()["data"]
    assert list(matcher.complaints(example.response, data)) == []
    steps = Matcher(nullable=frozenset()).complaints(
        example.response["details"]["steps"], data["details"]["steps"]
    )
    assert list(steps) == []


def test_it_shows_the_steps_as_they_stand(api, engine):
    task = start("specimen.plain", seconds=1)
    claim = transitions.claim(task.id, worker="test")
    transitions.complete_step(claim, claim.steps[0], progress=0.25, state={}, result=None)
    transitions.start_step(claim.steps[1])
    transitions.renew(claim, progress=0.625, step_id=claim.steps[1].id, fraction=0.5)
    data = api.get(url(task)).json()["data"]
    assert (data["status"], data["progress"]) == ("running", 0.625)
    shown = [(step["name"], step["status"], step["progress"]) for step in data["details"]["steps"]]
    assert shown == [("first", "completed", 1.0), ("second", "running", 0.5)]
    assert data["details"]["seconds"] == 1.0
    assert data["estimated_completion"] is None


def test_a_running_task_has_an_estimate_after_three_runs(api, engine):
    for _ in range(3):
        runner.run(start("specimen.plain", seconds=0.4).id)
    task = start("specimen.plain", seconds=0.4)
    transitions.claim(task.id, worker="test")
    data = api.get(url(task)).json()["data"]
    assert data["started_at"] < data["estimated_completion"]
    assert TaskStep.objects.filter(task=task, status="completed").count() == 0


def test_the_durations_behind_an_estimate_are_looked_up_once(
    api, engine, django_assert_num_queries
):
    for _ in range(3):
        runner.run(start("specimen.plain").id)
    first = estimates.median_durations(["specimen.plain"])
    with django_assert_num_queries(0):
        assert estimates.median_durations(["specimen.plain"]) == first
    assert set(first["specimen.plain"]) == {"first", "second"}


def test_a_type_that_has_run_too_seldom_is_looked_up_again(api, engine):
    assert estimates.median_durations(["specimen.plain"]) == {}
    for _ in range(3):
        runner.run(start("specimen.plain").id)
    assert "specimen.plain" in estimates.median_durations(["specimen.plain"])


def test_a_failed_task_says_why(api, engine):
    task = start("specimen.failing")
    runner.run(task.id)
    data = api.get(url(task)).json()["data"]
    assert data["error"] == {"code": "job_error", "message": "ValueError: the specimen fails"}
    assert "Traceback" not in str(data)


@pytest.mark.parametrize("suffix", ["", "/logs"])
@pytest.mark.parametrize("task_id", ["task_01m83b998xeqz8f4539xbq39e8", "task_x", "x"])
def test_an_unknown_task_is_not_found(api, engine, task_id, suffix):
    response = api.get(f"/api/v1/tasks/{task_id}{suffix}")
    assert response.status_code == 404
    assert response.json()["error"]["code"] == "not_found"


def test_the_log_is_read_on_from_where_one_was(api, engine):
    task = start("specimen.plain")
    TaskLog.objects.bulk_create(
        TaskLog(task=task, level="INFO", message=f"line {n}") for n in range(150)
    )
    first = api.get(url(task, "/logs")).json()["data"]
    rest = api.get(url(task, "/logs"), {"after": first["next_after"]}).json()["data"]
    end = api.get(url(task, "/logs"), {"after": rest["next_after"]}).json()["data"]
    said = [line["message"] for line in first["logs"] + rest["logs"]]
    assert said == [f"line {n}" for n in range(150)]
    assert end == {"logs": [], "next_after": rest["next_after"]}


def test_the_detail_holds_the_newest_lines(api, engine):
    task = start("specimen.plain")
    TaskLog.objects.bulk_create(
        TaskLog(task=task, level="INFO", message=f"line {n}") for n in range(150)
    )
    said = [line["message"] for line in api.get(url(task)).json()["data"]["logs"]]
    assert said == [f"line {n}" for n in range(50, 150)]
