"""GET /alerts and /alerts/{id}."""

from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from core import ids
from core.access.actor import SYSTEM
from core.alerts import operations
from core.alerts.grouping import set_causes
from core.alerts.queries import FIELDS

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(make_key) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_X_API_KEY=make_key("read:system"))
    return client


def fingerprints(answer) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [alert["fingerprint"] for alert in answer.json()["data"]["alerts"]]


def test_it_lists_them_newest_first_whatever_was_seen_last(client, raised):
    for fingerprint in ("test.a", "test.b", "test.a"):
        raised(fingerprint, details={"size": 3})
    answer = client.get("/api/v1/alerts")
    assert fingerprints(answer) == ["test.b", "test.a"]
    alert = answer.json()["data"]["alerts"][1]
    assert set(alert) == {*FIELDS, "status", "effects"}
    assert alert["id"].startswith("alert_")
    assert (alert["count"], alert["status"], alert["severity"]) == (2, "open", "warning")
    assert (alert["source"], alert["details"]) == ("test", {"size": 3})
    assert alert["last_seen_at"] > alert["first_seen_at"]
    assert alert["first_seen_at"].endswith("Z")
    assert alert["resolved_at"] is None


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["test.d", "test.c", "test.b", "test.a"]),
        ("status=open", ["test.a"]),
        ("status=acknowledged", ["test.b"]),
        ("status=silenced", ["test.d"]),
        ("status=resolved", ["test.c"]),
        ("severity=critical", ["test.c", "test.a"]),
        ("source=other", ["test.b"]),
        ("source=none", []),
        ("severity=critical&status=open&source=test", ["test.a"]),
    ],
)
def test_it_filters(client, raised, silenced, query, expected):
    raised("test.a", severity="critical")
    acknowledged = raised("test.b", source="other")
    operations.acknowledge(alert_id=acknowledged.pk, actor=SYSTEM)
    raised("test.c", severity="critical")
    operations.resolve_alert(fingerprint="test.c", reason="over")
    silenced("test.d")
    assert fingerprints(client.get(f"/api/v1/alerts?{query}")) == expected


def test_it_pages_both_ways(client, raised):
    for number in range(5):
        raised(f"test.{number}")
    found, query = [], {"limit": 2}
    while query.get("cursor", "first"):
        answer = client.get("/api/v1/alerts/", query)
        found.append(fingerprints(answer))
        pagination = answer.json()["data"]["pagination"]
        query["cursor"] = pagination["next"]
    before = client.get("/api/v1/alerts", {"limit": 2, "cursor": pagination["previous"]})
    assert fingerprints(before) == ["test.2", "test.1"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("status=closed", "status"),
        ("severity=fatal", "severity"),
        ("sate=open", "sate"),
        ("status=open&status=resolved", "status"),
        ("source=a%00b", "source"),
        ("source=", "source"),
        ("cause=alert_x", "cause"),
        ("cause=task_01h455vb4pex5vsknk084sn02q", "cause"),
        ("grouped=1", "grouped"),
        ("limit=0", "limit"),
        ("cursor=x", "cursor"),
    ],
)
def test_it_refuses_what_it_does_not_know(client, query, field):
    answer = client.get(f"/api/v1/alerts?{query}")
    assert answer.status_code == 400
    assert answer.json()["error"]["details"][0]["field"] == field


def test_it_tells_causes_from_what_is_there_because_of_them(client, raised):
    for name in ("db", "web", "api", "other"):
        raised(f"test.{name}")
    set_causes({"test.web": "test.db", "test.api": "test.db"})
    operations.resolve_alert(fingerprint="test.api", reason="over")
    assert fingerprints(client.get("/api/v1/alerts?grouped=false")) == ["test.other", "test.db"]
    assert fingerprints(client.get("/api/v1/alerts?grouped=true")) == ["test.api", "test.web"]
    [_, cause] = client.get("/api/v1/alerts?grouped=false").json()["data"]["alerts"]
    assert (cause["effects"], cause["cause_id"]) == (1, None)
    answer = client.get(f"/api/v1/alerts?cause={cause['id']}&status=open")
    assert fingerprints(answer) == ["test.web"]
    assert answer.json()["data"]["alerts"][0]["cause_id"] == cause["id"]
    assert fingerprints(client.get("/api/v1/alerts?cause=alert_01h455vb4pex5vsknk084sn02q")) == []


@pytest.mark.parametrize("slash", ["", "/"])
def test_one_alert_is_as_in_the_list(client, raised, slash):
    alert = raised()
    answer = client.get(f"/api/v1/alerts/{ids.external('alert', alert.pk)}{slash}")
    assert answer.status_code == 200
    [listed] = client.get("/api/v1/alerts").json()["data"]["alerts"]
    assert answer.json()["data"] == listed


@pytest.mark.parametrize(
    "alert_id", ["alert_01h455vb4pex5vsknk084sn02q", "task_01h455vb4pex5vsknk084sn02q", "x", "%00"]
)
def test_an_alert_there_is_not_is_404(client, alert_id):
    answer = client.get(f"/api/v1/alerts/{alert_id}")
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "not_found"
