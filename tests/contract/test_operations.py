"""Every operation of the contract that exists answers as the contract's example says."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from tests.contract.loading import Operation, operations
from tests.contract.matching import Matcher, id_complaints
from tests.waiting import until

OPERATIONS = operations()
COMPONENT_STATUS = {"healthy", "degraded", "unhealthy", "unknown"}
TASK_STATUS = {"pending", "running", "completed", "failed", "cancelled"}


def data_of(answer: httpx.Response, operation: Operation) -> Any:
    """What is in the envelope, after the envelope itself was checked."""
    assert answer.headers["content-type"] == "application/json"
    document = answer.json()
    if not operation.enveloped:
        return document
    assert set(document) == {"success", "data"}
    assert document["success"] is True
    return document["data"]


def fits(operation: Operation, data: Any, **more: frozenset[str]) -> None:
    allowed = {
        "nullable": operation.nullable,
        "open_maps": operation.open_maps,
        "free": operation.free,
    }
    complaints = list(Matcher(**{**allowed, **more}).complaints(operation.response, data))
    assert not complaints, "\n".join(complaints)


@pytest.mark.parametrize("operation_id", ["get_status", "get_health", "get_components_health"])
@pytest.mark.parametrize("slash", ["", "/"])
def test_a_look_at_the_instance_fits(api, operation_id, slash):
    operation = OPERATIONS[operation_id]
    answer = api.request(operation.method, operation.path + slash)
    assert answer.status_code == 200
    fits(operation, data_of(answer, operation))


def test_the_values_of_status_mean_what_the_contract_says(api, stack):
    until(lambda: api.get("/status").json()["data"]["uptime"])  # whole seconds
    data = api.get("/status").json()["data"]
    assert data["status"] in COMPONENT_STATUS - {"unknown"}
    assert data["environment"] == "test"
    assert 0 < data["uptime"] < 86400
    assert {each["status"] for each in data["components"].values()} <= COMPONENT_STATUS
    pool = data["components"]["database"]["connection_pool"]
    assert pool["active"] + pool["idle"] == pool["total"] > 0
    assert 0 <= data["components"]["cache"]["hit_rate"] <= 1
    assert re.fullmatch(r"\d+(\.\d+)?MB", data["components"]["cache"]["memory_usage"])


def test_the_checks_of_components_have_a_verdict_each(api):
    data = api.get("/components/health").json()["data"]
    assert data["overall_status"] in COMPONENT_STATUS - {"unknown"}
    for component in data["components"]:
        assert component["status"] in COMPONENT_STATUS
        assert component["checks"], component["name"]
        assert {check["status"] for check in component["checks"]} <= {"pass", "warning", "fail"}


def test_components_and_checks_of_the_example_are_there(api):
    example = OPERATIONS["get_components_health"].response
    data = api.get("/components/health").json()["data"]
    real = {
        (component["name"], check["name"])
        for component in data["components"]
        for check in component["checks"]
    }
    wanted = {
        (component["name"], check["name"])
        for component in example["components"]
        for check in component["checks"]
    }
    assert wanted <= real


def test_a_run_of_diagnostics_fits(finished_run):
    operation = OPERATIONS["run_diagnostics"]
    data = data_of(finished_run, operation)
    fits(operation, data)
    assert data["status"] == "completed"
    assert [result["component"] for result in data["results"]] == ["database", "cache"]
    for result in data["results"]:
        assert [test["name"] for test in result["tests"]] == ["connectivity", "performance"]
        assert all(test["status"] in {"pass", "warning", "fail"} for test in result["tests"])


def test_a_run_of_diagnostics_can_be_read_later(api, finished_run):
    run = finished_run.json()["data"]
    for slash in ("", "/"):
        answer = api.get(f"/components/diagnostics/{run['test_run_id']}{slash}")
        assert answer.status_code == 200
        assert answer.json()["data"] == run


@pytest.mark.parametrize("slash", ["", "/"])
def test_the_status_of_the_cache_fits(api, slash):
    operation = OPERATIONS["get_cache_status"]
    answer = api.get("/cache/status" + slash)
    assert answer.status_code == 200
    data = data_of(answer, operation)
    fits(operation, data)
    assert data["status"] in COMPONENT_STATUS
    memory = data["memory_usage"]
    assert 0 < memory["used_mb"] <= memory["total_mb"]
    statistics = data["statistics"]
    assert statistics["hit_rate"] + statistics["miss_rate"] in (0, pytest.approx(1))
    assert [level["level"] for level in data["cache_levels"]] == ["L1", "L2"]


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_clear_of_the_cache_fits(api, slash):
    operation = OPERATIONS["clear_cache"]
    answer = api.request("DELETE", "/cache" + slash, json=operation.request)
    assert answer.status_code == 200
    data = data_of(answer, operation)
    fits(operation, data)
    assert (data["pattern"], data["levels"]) == ("user:*", ["L1", "L2"])
    everything = api.delete("/cache" + slash)
    assert everything.status_code == 200
    data = data_of(everything, operation)
    fits(operation, data)
    assert data["processes"]["unanswered"] == []


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_restart_of_a_service_fits(api, slash):
    operation = OPERATIONS["restart_service"]
    answer = api.post("/services/event_bus/restart" + slash, headers={"Prefer": "wait=30"})
    assert answer.status_code == 200
    data = data_of(answer, operation)
    fits(operation, data)
    assert (data["service"], data["action"]) == ("event_bus", "restart")
    assert data["status"] == "completed", data
    assert data["duration_ms"] > 0


def test_what_others_depend_on_is_not_restarted_alone(api):
    needed_by = {"event_bus", "plugin_manager", "web"}

    def seen_to_run() -> bool:
        plan = api.post("/services/database_adapter/restart", params={"dry_run": "true"})
        return needed_by <= set(plan.json()["data"]["dependents_running"])

    until(seen_to_run, seconds=30)
    answer = api.post("/services/database_adapter/restart")
    assert answer.status_code == 409
    error = answer.json()["error"]
    assert error["code"] == "dependents_running"
    assert needed_by <= set(error["dependents_running"])


@pytest.mark.parametrize("slash", ["", "/"])
def test_the_metrics_fit(api, slash):
    operation = OPERATIONS["get_metrics"]

    def measured() -> bool:
        return all(data_of(api.get("/metrics"), operation)["metrics"].values())

    until(measured)
    answer = api.get("/metrics" + slash)
    assert answer.status_code == 200
    data = data_of(answer, operation)
    fits(operation, data)
    for points in data["metrics"].values():
        assert [each["timestamp"] for each in points] == sorted(
            {each["timestamp"] for each in points}
        )


@pytest.mark.parametrize("slash", ["", "/"])
def test_the_summary_of_the_metrics_fits(api, slash):
    operation = OPERATIONS["get_metrics_summary"]
    until(lambda: data_of(api.get("/metrics/summary"), operation)["requests"]["total"])
    answer = api.get("/metrics/summary" + slash)
    assert answer.status_code == 200
    data = data_of(answer, operation)
    fits(operation, data)
    assert 0 <= data["requests"]["success_rate"] <= 1
    assert sum(data["errors"]["by_status"].values()) == data["errors"]["total"]


def test_the_list_of_tasks_fits(api, finished_run):
    operation = OPERATIONS["list_tasks"]
    for slash in ("", "/"):
        answer = api.get("/tasks" + slash)
        assert answer.status_code == 200
        data = data_of(answer, operation)
        fits(operation, data)
        assert {"limit", "next", "previous"} <= set(data["pagination"])
        assert {task["status"] for task in data["tasks"]} <= TASK_STATUS | {"cancelling"}
        made = [task["created_at"] for task in data["tasks"]]
        assert made == sorted(made, reverse=True)


def test_a_task_fits(api, finished_run):
    """`details` are the example's for a plugin update; every type has its steps there."""
    operation = OPERATIONS["get_task"]
    task_id = finished_run.json()["data"]["task_id"]
    answer = api.get(f"/tasks/{task_id}")
    assert answer.status_code == 200
    data = data_of(answer, operation)
    fits(operation, data, open_maps=frozenset({"details"}))
    steps = Matcher().complaints(operation.response["details"]["steps"], data["details"]["steps"])
    assert not list(steps)
    assert data["details"]["steps"]
    assert data["id"] == task_id
    assert data["status"] == "completed"
    assert data["progress"] == 1
    assert api.get(f"/tasks/{task_id}/").json()["data"] == data


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_cancel_fits_and_repeats(api, pending_task, slash):
    operation = OPERATIONS["cancel_task"]
    first = api.delete(f"/tasks/{pending_task}{slash}")
    assert first.status_code == 200
    data = data_of(first, operation)
    fits(operation, data)
    assert data["status"] == "cancelled"
    again = api.delete(f"/tasks/{pending_task}{slash}")
    assert (again.status_code, again.json()["data"]) == (200, data)
    assert api.get(f"/tasks/{pending_task}").json()["data"]["status"] == "cancelled"


def test_a_finished_task_can_not_be_cancelled(api, finished_run):
    answer = api.delete(f"/tasks/{finished_run.json()['data']['task_id']}")
    assert answer.status_code == 409


def test_work_that_outlasts_the_wait_answers_with_its_task(api, stack):
    operation = OPERATIONS["run_diagnostics"]
    answer = api.post("/components/diagnostics", headers={"Prefer": "respond-async"})
    assert answer.status_code == 202
    data = data_of(answer, operation)
    assert list(id_complaints("task", data["task_id"], "task_id")) == []
    assert list(id_complaints("diag", data["test_run_id"], "test_run_id")) == []
    assert data["status"] in {"pending", "running"}
    assert answer.headers["location"].rstrip("/").endswith(f"/tasks/{data['task_id']}")
    assert int(answer.headers["retry-after"]) >= 1
    assert api.get(httpx.URL(stack.url).join(answer.headers["location"])).status_code == 200
