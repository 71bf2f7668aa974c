"""GET and POST /services/{name}/maintenance, DELETE /services/{name}/maintenance/{id}."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from services.health.models import MaintenanceWindow

pytestmark = pytest.mark.django_db
ADDRESS = "/api/v1/services/web/maintenance"
UNKNOWN = "window_01h455vb4pex5vsknk084sn02q"


@pytest.fixture
def client(make_key, service) -> APIClient:
    service("web")
    service("other")
    client = APIClient()
    client.credentials(HTTP_X_API_KEY=make_key("read:system", "admin:services"))
    return client


def post(client: APIClient, body: object, address: str = ADDRESS):
    return client.post(address, body, format="json")


def made(client: APIClient, **body: object) -> dict:
    answer = post(client, {"reason": "upgrade", "duration_seconds": 3600, **body})
    assert answer.status_code == 201, answer.content
    return answer.json()["data"]


def in_hours(hours: float) -> str:
    return (timezone.now() + timedelta(hours=hours)).isoformat()


def test_a_window_for_some_time(client):
    window = made(client)
    assert set(window) == {
        "id", "status", "starts_at", "ends_at", "reason", "created_at", "created_by",
    }  # fmt: skip
    assert window["id"].startswith("window_")
    assert (window["status"], window["reason"]) == ("current", "upgrade")
    assert window["created_by"] == "key:test"
    start, end = (datetime.fromisoformat(window[key]) for key in ("starts_at", "ends_at"))
    assert end - start == timedelta(hours=1)


def test_a_window_ahead(client):
    window = made(client, starts_at=in_hours(2))
    assert window["status"] == "scheduled"
    answer = post(client, {"reason": "move", "starts_at": in_hours(1), "ends_at": in_hours(3)})
    assert answer.json()["data"]["status"] == "scheduled"


def test_the_list_is_of_the_service_and_pages(client):
    first = made(client, reason="first")
    later = made(client, reason="later", starts_at=in_hours(5))
    answer = client.get(ADDRESS)
    assert answer.json()["data"]["windows"] == [later, first]
    page = client.get(ADDRESS, {"limit": 1}).json()["data"]
    rest = client.get(ADDRESS, {"limit": 1, "cursor": page["pagination"]["next"]}).json()["data"]
    assert [page["windows"], rest["windows"]] == [[later], [first]]
    assert client.get("/api/v1/services/other/maintenance").json()["data"]["windows"] == []


def test_ending_one(client):
    window = made(client)
    address = f"{ADDRESS}/{window['id']}"
    assert [client.delete(address).status_code for _ in range(2)] == [204, 204]
    [listed] = client.get(ADDRESS).json()["data"]["windows"]
    assert listed["status"] == "ended"
    ahead = made(client, starts_at=in_hours(5))
    answers = [client.delete(f"{ADDRESS}/{ahead['id']}").status_code for _ in range(2)]
    assert answers == [204, 404]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "duration_seconds"),
        ({"duration_seconds": 60}, "reason"),
        ({"duration_seconds": 60, "reason": ""}, "reason"),
        ({"duration_seconds": 60, "reason": 5}, "reason"),
        ({"duration_seconds": 60, "reason": "x" * 501}, "reason"),
        ({"duration_seconds": 0, "reason": "x"}, "duration_seconds"),
        ({"duration_seconds": 31 * 86_400, "reason": "x"}, "duration_seconds"),
        ({"duration_seconds": "60", "reason": "x"}, "duration_seconds"),
        ({"duration_seconds": 60, "ends_at": "2030-01-01T00:00:00Z"}, "duration_seconds"),
        ({"ends_at": "tomorrow", "reason": "x"}, "ends_at"),
        ({"ends_at": "2020-01-01T00:00:00Z", "reason": "x"}, "ends_at"),
        ({"ends_at": None, "reason": "x"}, "ends_at"),
        ({"duration_seconds": 60, "starts_at": "2020-01-01T00:00:00Z", "reason": "x"}, "starts_at"),
        ({"duration_seconds": 60, "starts_at": "9999-12-31T23:59:59Z", "reason": "x"}, "starts_at"),
        ({"duration_seconds": 60, "reason": "x", "service": "web"}, "service"),
    ],
)
def test_what_is_no_window_is_refused(client, body, field):
    answer = post(client, body)
    assert answer.status_code == 400, answer.content
    assert field in [detail["field"] for detail in answer.json()["error"]["details"]]
    assert not MaintenanceWindow.objects.exists()


@pytest.mark.parametrize("body", [[], "x", None, 5])
def test_a_body_that_is_no_object_is_refused(client, body):
    assert post(client, body).status_code == 400


@pytest.mark.parametrize("name", ["gone", "%00", "%ED%A0%80", "web%2Fx"])
def test_a_service_there_is_not_is_404(client, name):
    address = f"/api/v1/services/{name}/maintenance"
    assert client.get(address).status_code == 404
    assert post(client, {"reason": "x", "duration_seconds": 60}, address).status_code == 404
    assert client.delete(f"{address}/{UNKNOWN}").status_code == 404


@pytest.mark.parametrize("window", [UNKNOWN, "alert_01h455vb4pex5vsknk084sn02q", "x", "%00"])
def test_a_window_there_is_not_is_404(client, window):
    assert client.delete(f"{ADDRESS}/{window}").status_code == 404


def test_a_window_of_another_service_is_404(client):
    window = made(client)
    assert client.delete(f"/api/v1/services/other/maintenance/{window['id']}").status_code == 404


def test_who_may_only_look_can_not_change(client, make_key):
    window = made(client)
    reader = APIClient()
    reader.credentials(HTTP_X_API_KEY=make_key("read:system"))
    assert reader.get(ADDRESS).status_code == 200
    assert post(reader, {"reason": "x", "duration_seconds": 60}).status_code == 403
    assert reader.delete(f"{ADDRESS}/{window['id']}").status_code == 403
