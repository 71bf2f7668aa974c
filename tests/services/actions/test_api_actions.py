"""`POST /services/{name}/restart`, `/start` and `/stop`."""

from __future__ import annotations

import pytest

from services.registry.models import State
from tasks.models import Task
from tests.contract.loading import operations
from tests.contract.matching import Matcher
from tests.services.actions.doing import asked, desired

CONTRACT = operations()["restart_service"]
ASYNC = {"Prefer": "respond-async"}


def post(api, address: str, body: object = None, **headers: str):
    return api.post(
        f"/api/v1/services/{address}", {} if body is None else body,
        content_type="application/json", headers=headers,
    )  # fmt: skip


def error_of(answer, status: int) -> dict:
    assert answer.status_code == status, answer.content
    return answer.json()["error"]


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_restart_answers_as_the_contract_says(create, api, programs, running_tasks, slash):
    create("web")
    before = programs("web").pid
    answer = post(api, f"web/restart{slash}", {"reason": "It leaks.", "timeout_seconds": 20})
    assert answer.status_code == 200, answer.content
    data = answer.json()["data"]
    assert list(Matcher().complaints(CONTRACT.response, data)) == []
    assert (data["service"], data["action"], data["status"]) == ("web", "restart", "completed")
    assert data["duration_ms"] > 0
    assert data["reason"] == "It leaks."
    assert data["task_id"] == Task.objects.get().external_id
    assert programs("web").pid not in (None, before)


def test_who_does_not_wait_is_told_where_to_look(defined, api):
    defined("web")
    answer = post(api, "web/restart", **ASYNC)
    assert answer.status_code == 202
    data = answer.json()["data"]
    assert (data["status"], data["services"][0]["status"]) == ("pending", "pending")
    assert data["services"][0]["duration_ms"] is None
    assert answer["Location"] == f"/api/v1/tasks/{data['task_id']}"
    assert answer["Retry-After"]


def test_a_restart_that_fails_says_why_in_its_document(create, api, programs, running_tasks):
    create("web")
    programs("web").file("fails").write_text("restart")
    data = post(api, "web/restart").json()["data"]
    assert data["status"] == "failed"
    assert data["error"] == {"code": "action_failed", "message": "web refuses to restart"}


def test_stop_and_start_say_what_is_wanted_of_it(create, api, programs, running_tasks):
    create("web")
    assert post(api, "web/stop").json()["data"]["status"] == "completed"
    assert (programs("web").pid, desired("web")) == (None, "stopped")
    assert post(api, "web/start").json()["data"]["status"] == "completed"
    assert (programs("web").pid is not None, desired("web")) == (True, "running")


def test_what_others_need_is_not_restarted_alone(create, api, programs, running_tasks):
    create("db")
    create("web", "db")
    error = error_of(post(api, "db/restart"), 409)
    assert (error["code"], error["dependents_running"]) == ("dependents_running", ["web"])
    assert "with cascade" in error["message"]
    assert programs("db").acts() == []
    data = post(api, "db/restart?cascade=true").json()["data"]
    assert data["status"] == "completed"
    assert programs("db").acts() == ["stop web", "restart db", "start web"]


def test_what_needs_a_stopped_one_is_not_started_alone(create, api, running_tasks):
    create("db")
    create("web", "db")
    assert post(api, "db/stop?cascade=true").json()["data"]["status"] == "completed"
    error = error_of(post(api, "web/start"), 409)
    assert (error["code"], error["dependencies_stopped"]) == ("dependencies_stopped", ["db"])
    assert post(api, "web/start?cascade=true").json()["data"]["status"] == "completed"


def test_a_dry_run_shows_the_plan_and_changes_nothing(defined, api):
    defined("db")
    defined("web", "db", controller=None)
    State.objects.update(status="running")
    before = list(State.objects.order_by("pk").values("status", "acting"))
    answer = post(api, "db/restart?dry_run=true")
    assert answer.status_code == 200
    assert answer.json()["data"] == {
        "service": "db", "action": "restart", "dry_run": True,
        "steps": [
            {"service": "db", "action": "restart", "step": "restart db"},
            {"service": "db", "action": "wait", "step": "wait db"},
        ],
        "affected": ["web"], "dependents_running": ["web"], "dependencies_stopped": [],
    }  # fmt: skip
    assert Task.objects.count() == 0
    assert list(State.objects.order_by("pk").values("status", "acting")) == before


def test_a_second_one_is_refused_and_names_the_first(defined, api):
    defined("web")
    first = asked("restart", "web")
    error = error_of(post(api, "web/stop"), 409)
    assert (error["code"], error["task_id"]) == ("already_running", first.external_id)


@pytest.mark.parametrize(
    ("given", "code", "says"),
    [
        ({"controller": None}, "action_not_supported", "has no controller"),
        ({"controller": "restarter"}, "action_not_supported", "its controller can restart"),
    ],
)
def test_what_its_controller_can_not_do_is_refused(defined, api, given, code, says):
    defined("web", **given)
    error = error_of(post(api, "web/stop"), 409)
    assert error["code"] == code
    assert says in error["message"]


def test_a_controller_that_is_gone_is_told(defined, api):
    service = defined("web")
    service.controller = {"type": "of_a_plugin"}
    service.save()
    error = error_of(post(api, "web/restart"), 409)
    assert error["code"] == "controller_unusable"
    assert "of_a_plugin" in error["message"]


def test_a_service_of_a_node_without_a_worker_is_refused(defined, api):
    defined("web", node="moon")
    error = error_of(post(api, "web/restart"), 503)
    assert error["code"] == "node_unavailable"
    assert "moon" in error["message"]


@pytest.mark.parametrize(
    ("query", "body", "field"),
    [
        ("?cascade=perhaps", {}, "cascade"),
        ("?cascade=true&cascade=false", {}, "cascade"),
        ("?force=true", {}, "force"),
        ("", {"reason": 7}, "reason"),
        ("", {"reason": "x" * 501}, "reason"),
        ("", {"reason": "\0"}, None),
        ("", {"timeout_seconds": 0}, "timeout_seconds"),
        ("", {"timeout_seconds": "120"}, "timeout_seconds"),
        ("", {"timeout_seconds": 1e9}, "timeout_seconds"),
        ("", {"force": True}, "force"),
        ("", [], None),
    ],
)
def test_bad_input_is_named_and_nothing_is_done(defined, api, query, body, field):
    defined("web")
    error = error_of(post(api, f"web/restart{query}", body), 400)
    if field is not None:
        assert [each["field"] for each in error["details"]] == [field]
    assert Task.objects.count() == 0


def test_an_unknown_service_is_not_found(defined, api):
    defined("web")
    for action in ("restart", "start", "stop"):
        assert error_of(post(api, f"wep/{action}"), 404)["code"] == "not_found"
