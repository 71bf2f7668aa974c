"""Every error has the envelope of the contract, wherever in the instance it is made."""

from __future__ import annotations

import re

import httpx
import pytest

NO_SUCH_TASK = "task_01h455vb4pex5vsknk084sn02q"
DIAGNOSTICS = "/components/diagnostics"

# method, path, what is sent, the status and code of the answer
CASES = [
    ("GET", "/nowhere", {}, 404, "not_found"),
    ("GET", "/tasks/nonsense", {}, 404, "not_found"),
    ("GET", f"/tasks/{NO_SUCH_TASK}", {}, 404, "not_found"),
    ("DELETE", f"/tasks/{NO_SUCH_TASK}", {}, 404, "not_found"),
    ("GET", "/components/diagnostics/nonsense", {}, 404, "not_found"),
    ("POST", "/status", {}, 405, "method_not_allowed"),
    ("GET", DIAGNOSTICS + "x", {}, 404, "not_found"),
    ("POST", DIAGNOSTICS, {"content": b"{"}, 400, "invalid_input"),
    ("POST", DIAGNOSTICS, {"content": b"[]"}, 400, "invalid_input"),
    ("POST", DIAGNOSTICS, {"content": b'{"tests":["\\u0000"]}'}, 400, "invalid_input"),
    ("POST", DIAGNOSTICS, {"content": b'{"tests":[],"tests":[]}'}, 400, "invalid_input"),
    ("POST", DIAGNOSTICS, {"content": b"\xff"}, 400, "invalid_input"),
    ("POST", DIAGNOSTICS, {"json": {"components": ["nonsense"]}}, 400, "invalid_input"),
    ("POST", DIAGNOSTICS, {"json": {"tests": ["nonsense"]}}, 400, "invalid_input"),
    ("POST", DIAGNOSTICS, {"json": {"components": "database"}}, 400, "invalid_input"),
    ("POST", DIAGNOSTICS, {"json": {"components": [{"a": 1}]}}, 400, "invalid_input"),
    ("POST", DIAGNOSTICS, {"json": {"unheard_of": 1}}, 400, "invalid_input"),
    ("POST", DIAGNOSTICS, {"content": b" " * 2_000_000}, 413, "too_large"),
    ("GET", "/tasks?limit=0", {}, 400, "invalid_input"),
    ("GET", "/tasks?limit=501", {}, 400, "invalid_input"),
    ("GET", "/tasks?limit=1e2", {}, 400, "invalid_input"),
    ("GET", "/tasks?cursor=nonsense", {}, 400, "invalid_input"),
    ("GET", "/tasks?status=nonsense", {}, 400, "invalid_input"),
    ("GET", "/tasks?cursor=%00", {}, 400, "invalid_input"),
    ("GET", "/tasks?cursor=" + "A" * 6000, {}, 400, "invalid_input"),
]
JSON = {"Content-Type": "application/json"}


def assert_error(answer: httpx.Response, status: int, code: str) -> dict[str, object]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    document = answer.json()
    assert set(document) == {"success", "error"}
    assert document["success"] is False
    error = document["error"]
    assert error["code"] == code
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", error["code"])
    assert error["message"].strip()
    assert isinstance(error["details"], list)
    for detail in error["details"]:
        assert {"field", "code", "message"} <= set(detail)
        assert all(isinstance(detail[key], str) for key in ("field", "code", "message"))
    assert error["request_id"] == answer.headers["x-request-id"]
    return error


@pytest.mark.parametrize(("method", "path", "sent", "status", "code"), CASES)
def test_a_wrong_request_gets_the_error_envelope(api, method, path, sent, status, code):
    error = assert_error(api.request(method, path, headers=JSON, **sent), status, code)
    if status == 400:
        assert error["details"], "bad input names the place"


@pytest.mark.parametrize(("method", "path", "sent", "status", "code"), CASES)
def test_a_wrong_request_without_a_key_is_never_an_error_of_ours(
    stack, method, path, sent, status, code
):
    with stack.client(key="") as stranger:
        answer = stranger.request(method, path, headers=JSON, **sent)
    known = {401: "unauthenticated", 404: "not_found", 413: "too_large", 405: "method_not_allowed"}
    assert_error(answer, answer.status_code, known[answer.status_code])
    if answer.status_code == 401:
        assert answer.headers["www-authenticate"]


def test_bad_input_names_each_known_value(api):
    answer = api.post(DIAGNOSTICS, json={"components": ["nonsense"]})
    assert "database" in answer.text


@pytest.mark.parametrize("given", ["my-own-id.42", "A" * 128])
def test_a_valid_request_id_is_taken_over(api, given):
    for path in ("/status", "/nowhere"):
        assert api.get(path, headers={"X-Request-ID": given}).headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["short", "A" * 129, "with space", "a\tb-tabs-in-it", "é" * 10])
def test_any_other_request_id_is_replaced(api, given):
    answer = api.get("/nowhere", headers=[(b"X-Request-ID", given.encode())])
    assert answer.headers["x-request-id"] != given
    assert_error(answer, 404, "not_found")


def test_an_unknown_host_is_told_so_in_json(stack):
    with stack.client() as client:
        answer = client.get("/status", headers={"Host": "evil.example"})
    assert_error(answer, 400, "bad_request")


def test_another_media_type_is_refused(api):
    answer = api.post(DIAGNOSTICS, content=b"a=1", headers={"Content-Type": "text/plain"})
    assert_error(answer, 415, "unsupported_media_type")


def test_an_answer_is_json_whatever_is_asked_for(api):
    answer = api.get("/status", headers={"Accept": "text/csv"})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
