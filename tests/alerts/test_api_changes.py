"""POST /alerts/{id}/acknowledge, /silence, /unsilence and /resolve."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from rest_framework.test import APIClient

from core import ids
from core.access.models import AuditEntry
from core.alerts.models import Alert
from core.alerts.operations import MAX_SILENCE
from tests.alerts.conftest import told

pytestmark = pytest.mark.django_db
YEAR = int(MAX_SILENCE.total_seconds())
FOR_AN_HOUR = {"duration_seconds": 3600, "reason": "upgrade"}
BODIES = {
    "acknowledge": {"note": "on it"}, "silence": FOR_AN_HOUR, "unsilence": {}, "resolve": {}
}  # fmt: skip


@pytest.fixture
def client(make_key) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_X_API_KEY=make_key("admin:services"))
    return client


@pytest.fixture
def post(client):
    def send(alert: Alert, verb: str, body=None):
        path = f"/api/v1/alerts/{ids.external('alert', alert.pk)}/{verb}"
        return client.post(path, BODIES[verb] if body is None else body, format="json")

    return send


def data_of(answer) -> dict:
    assert answer.status_code == 200, answer.content
    return answer.json()["data"]


def wrong_fields(answer) -> list[str]:
    assert answer.status_code == 400, answer.content
    return [each["field"] for each in answer.json()["error"]["details"]]


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_acknowledging(post, raised):
    data = data_of(post(raised(), "acknowledge"))
    assert (data["status"], data["note"]) == ("acknowledged", "on it")
    assert data["acknowledged_by"] == "key:test"
    assert AuditEntry.objects.get(action="alert.acknowledge").actor_kind == "key"


def test_acknowledging_needs_no_note(post, raised):
    assert data_of(post(raised(), "acknowledge", {}))["note"] == ""


def test_silencing_for_some_time(post, raised):
    data = data_of(post(raised(), "silence"))
    assert (data["status"], data["silence_reason"]) == ("silenced", "upgrade")
    left = moment(data["silenced_until"]) - datetime.now(UTC)
    assert timedelta(minutes=59) < left <= timedelta(hours=1)


def test_silencing_until_some_time(post, raised):
    until = datetime.now(UTC) + timedelta(days=3)
    data = data_of(post(raised(), "silence", {"until": until.isoformat(), "reason": "upgrade"}))
    assert moment(data["silenced_until"]) == until
    assert data["silenced_by"] == "key:test"


def test_a_silence_of_a_year_is_the_longest(post, raised):
    assert data_of(post(raised(), "silence", {**FOR_AN_HOUR, "duration_seconds": YEAR}))


def test_ending_a_silence(post, raised):
    alert = raised()
    post(alert, "silence")
    assert data_of(post(alert, "unsilence"))["status"] == "open"
    assert data_of(post(alert, "unsilence"))["status"] == "open"
    assert told().count("alert.unsilenced") == 1


def test_resolving(post, raised):
    alert = raised()
    data = data_of(post(alert, "resolve", {"reason": "replaced"}))
    assert (data["status"], data["resolution"]) == ("resolved", "replaced")
    assert data_of(post(alert, "resolve", {"reason": "again"})) == data
    assert told() == ["alert.raised", "alert.resolved"]


@pytest.mark.parametrize("verb", ["acknowledge", "silence"])
def test_what_is_resolved_stays_as_it_is(post, raised, verb):
    alert = raised()
    post(alert, "resolve")
    answer = post(alert, verb)
    assert answer.status_code == 409
    assert answer.json()["error"]["code"] == "alert_resolved"


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"duration_seconds", "reason"}),
        ({"duration_seconds": 60}, {"reason"}),
        ({"reason": "upgrade"}, {"duration_seconds"}),
        ({**FOR_AN_HOUR, "reason": " "}, {"reason"}),
        ({**FOR_AN_HOUR, "reason": None}, {"reason"}),
        ({**FOR_AN_HOUR, "reason": "x" * 501}, {"reason"}),
        ({**FOR_AN_HOUR, "duration_seconds": 0}, {"duration_seconds"}),
        ({**FOR_AN_HOUR, "duration_seconds": YEAR + 1}, {"duration_seconds"}),
        ({**FOR_AN_HOUR, "duration_seconds": "60"}, {"duration_seconds"}),
        ({**FOR_AN_HOUR, "duration_seconds": 1.5}, {"duration_seconds"}),
        ({**FOR_AN_HOUR, "until": "2999-01-01T00:00:00Z"}, {"duration_seconds"}),
        ({"reason": "upgrade", "until": "2999-01-01T00:00:00Z"}, {"until"}),
        ({"reason": "upgrade", "until": "2020-01-01T00:00:00Z"}, {"until"}),
        ({"reason": "upgrade", "until": "9999-12-31T23:59:59-23:59"}, {"until"}),
        ({"reason": "upgrade", "until": "tomorrow"}, {"until"}),
        ({"reason": "upgrade", "until": None}, {"until"}),
        ({**FOR_AN_HOUR, "owner": "ada"}, {"owner"}),
    ],
)
def test_a_silence_that_makes_no_sense_is_refused(post, raised, body, fields):
    assert set(wrong_fields(post(raised(), "silence", body))) == fields
    assert told() == ["alert.raised"]


@pytest.mark.parametrize(
    ("verb", "body", "field"),
    [
        ("acknowledge", {"note": 5}, "note"),
        ("acknowledge", {"note": "x" * 501}, "note"),
        ("acknowledge", {"reason": "x"}, "reason"),
        ("acknowledge", {"note": "a\0b"}, "note"),
        ("resolve", {"reason": ["x"]}, "reason"),
        ("resolve", {"reason": "x" * 501}, "reason"),
        ("resolve", {"why": "x"}, "why"),
    ],
)
def test_a_body_that_does_not_fit_is_refused(post, raised, verb, body, field):
    assert wrong_fields(post(raised(), verb, body)) == [field]
    assert told() == ["alert.raised"]


@pytest.mark.parametrize("verb", BODIES)
@pytest.mark.parametrize("alert_id", ["alert_01h455vb4pex5vsknk084sn02q", "nonsense"])
def test_an_alert_there_is_not_is_404(client, verb, alert_id):
    answer = client.post(f"/api/v1/alerts/{alert_id}/{verb}", BODIES[verb], format="json")
    assert answer.status_code == 404


@pytest.mark.parametrize("verb", BODIES)
def test_looking_is_not_changing(raised, make_key, verb):
    path = f"/api/v1/alerts/{ids.external('alert', raised().pk)}/{verb}"
    client = APIClient(headers={"X-API-Key": make_key("read:system", "admin:config")})
    answer = client.post(path, BODIES[verb], format="json")
    assert answer.status_code == 403
    assert "admin:services" in answer.json()["error"]["message"]
    assert told() == ["alert.raised"]
