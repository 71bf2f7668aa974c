"""The error envelope, wherever the error happens."""

from __future__ import annotations

import pytest
from django.test import Client

from core.api.lane import ApiLane

addressed = pytest.mark.urls("tests.core_api.addresses")


@pytest.fixture
def client() -> Client:
    return Client(raise_request_exception=False)


def assert_is_an_error(answer, status: int, code: str) -> dict:
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/json"
    document = answer.json()
    assert set(document) == {"success", "error"}
    assert document["success"] is False
    error = document["error"]
    assert error["code"] == code
    assert error["message"].endswith(".")
    assert error["request_id"] == answer["X-Request-ID"]
    return error


@addressed
@pytest.mark.parametrize(
    ("what", "status", "code"),
    [
        ("conflict", 409, "conflict"),
        ("database", 503, "unavailable"),
        ("suspicious", 400, "bad_request"),
        ("surprise", 500, "internal_error"),
    ],
)
def test_what_a_view_raises(client, what, status, code):
    assert_is_an_error(client.get(f"/api/raise/{what}"), status, code)


@addressed
def test_details_and_further_keys(client):
    error = client.get("/api/raise/conflict").json()["error"]
    assert error["details"] == [{"field": "name", "code": "taken", "message": "Taken."}]
    assert error["task_id"] == "task_1"


@addressed
def test_a_surprise_is_logged_and_not_told(client, caplog):
    answer = client.get("/api/raise/surprise")
    assert b"42" not in answer.content
    assert "the secret is 42" in caplog.text


@addressed
def test_an_unavailable_database_says_when_to_come_back(client):
    assert client.get("/api/raise/database")["Retry-After"] == "5"


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/v2/status", "/api/v1/nothing/here"])
def test_an_address_that_is_not_there(client, path):
    assert_is_an_error(client.get(path), 404, "not_found")


@addressed
@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "TRACE", "BREW"])
def test_a_method_that_is_not_taken(client, method):
    answer = client.generic(method, "/api/echo")
    assert_is_an_error(answer, 405, "method_not_allowed")
    assert answer["Allow"] == "GET, HEAD, POST"


@addressed
def test_a_host_that_is_not_ours(client):
    assert_is_an_error(client.get("/api/echo", headers={"Host": "evil.test"}), 400, "bad_request")


@addressed
def test_html_error_pages_never_answer_even_when_debugging(client, settings):
    settings.DEBUG = True
    assert_is_an_error(client.get("/api/nothing"), 404, "not_found")
    assert_is_an_error(client.get("/api/raise/surprise"), 500, "internal_error")


def test_an_error_in_the_middleware_itself(client, settings, rf):
    settings.API_MIDDLEWARE = ["core.api.request_id.RequestIdMiddleware", f"{__name__}.Broken"]
    lane = ApiLane(lambda request: None)
    answer = lane(rf.get("/api/v1/status"))
    assert answer.status_code == 500
    assert b'"code":"internal_error"' in answer.content


class Broken:
    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        raise RuntimeError("broken")
