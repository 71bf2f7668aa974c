"""What people do about alerts: in the audit log and told, once."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from core import ids
from core.access.actor import Actor
from core.access.models import AuditEntry
from core.access.scopes import ALL_SCOPES
from core.alerts import operations, queries
from core.alerts.models import Alert
from core.errors import InvalidInput, NotFound
from tests.alerts.conftest import status_of, told

pytestmark = pytest.mark.django_db
ADA = Actor(kind="user", id="1", name="ada", scopes=ALL_SCOPES)
BOB = Actor(kind="user", id="2", name="bob", scopes=ALL_SCOPES)


def in_an_hour() -> datetime:
    return timezone.now() + timedelta(hours=1)


def do(verb: str, alert_id):
    more = {"until": in_an_hour(), "reason": "known"} if verb == "silence" else {}
    return getattr(operations, verb)(alert_id=alert_id, actor=ADA, **more)


VERBS = ("acknowledge", "silence", "unsilence", "resolve")


def test_acknowledging_says_who_is_at_it(raised):
    alert = operations.acknowledge(alert_id=raised().pk, actor=ADA, note=" on it ")
    assert status_of(alert) == "acknowledged"
    assert (alert.acknowledged_by, alert.note) == ("user:ada", "on it")
    entry = AuditEntry.objects.get(action="alert.acknowledge")
    assert (entry.actor_name, entry.target) == ("ada", ids.external("alert", alert.pk))
    assert entry.details == {"fingerprint": "test.part", "note": "on it"}


def test_acknowledging_twice_alike_is_once(raised):
    alert = raised()
    for _ in range(2):
        operations.acknowledge(alert_id=alert.pk, actor=ADA, note="on it")
    assert told() == ["alert.raised", "alert.acknowledged"]
    assert AuditEntry.objects.count() == 1
    assert operations.acknowledge(alert_id=alert.pk, actor=BOB).acknowledged_by == "user:bob"
    assert told().count("alert.acknowledged") == 2


def test_a_silence_has_an_owner_a_reason_and_an_end(raised):
    until = in_an_hour()
    alert = operations.silence(alert_id=raised().pk, actor=ADA, until=until, reason="upgrade")
    assert status_of(alert) == "silenced"
    assert (alert.silenced_by, alert.silence_reason, alert.silenced_until) == (
        "user:ada", "upgrade", until,
    )  # fmt: skip
    assert AuditEntry.objects.get(action="alert.silence").details["reason"] == "upgrade"
    assert told() == ["alert.raised", "alert.silenced"]


@pytest.mark.parametrize("was_acknowledged", [True, False])
def test_a_silence_ends_by_itself(raised, silenced, was_acknowledged):
    alert = silenced()
    if was_acknowledged:
        operations.acknowledge(alert_id=alert.pk, actor=ADA)
    assert status_of(alert) == "silenced"
    Alert.objects.update(silenced_until=Now() - timedelta(milliseconds=1))
    assert status_of(alert) == ("acknowledged" if was_acknowledged else "open")


def test_unsilencing_ends_it_at_once(raised, silenced):
    alert = silenced()
    for _ in range(2):
        operations.unsilence(alert_id=alert.pk, actor=ADA)
    assert status_of(alert) == "open"
    assert told() == ["alert.raised", "alert.silenced", "alert.unsilenced"]


def test_resolving_is_final_and_once(silenced):
    alert = silenced()
    for reason in ("replaced", "again"):
        operations.resolve(alert_id=alert.pk, actor=ADA, reason=reason)
    stored = Alert.objects.get()
    assert (stored.resolved_by, stored.resolution) == ("user:ada", "replaced")
    assert status_of(alert) == "resolved"
    assert told() == ["alert.raised", "alert.silenced", "alert.resolved"]
    assert operations.resolve_alert(fingerprint="test.part", reason="late") is None


@pytest.mark.parametrize("verb", ["acknowledge", "silence"])
def test_a_resolved_alert_is_neither_acknowledged_nor_silenced(raised, verb):
    alert = raised()
    do("resolve", alert.pk)
    with pytest.raises(operations.AlertResolved):
        do(verb, alert.pk)
    assert AuditEntry.objects.count() == 1


@pytest.mark.parametrize("verb", VERBS)
def test_an_alert_there_is_not_is_not_found(db, verb):
    with pytest.raises(NotFound):
        do(verb, ids.new())


@pytest.mark.parametrize(
    "until",
    [
        timezone.now() - timedelta(seconds=1),
        timezone.now() + timedelta(days=366),
        datetime.max,
        datetime.max.replace(tzinfo=timezone.get_default_timezone()),
        datetime.min.replace(tzinfo=timezone.get_default_timezone()),
    ],
)
def test_a_silence_ends_in_the_future_within_a_year(raised, until):
    with pytest.raises(InvalidInput) as refused:
        operations.silence(alert_id=raised().pk, actor=ADA, until=until, reason="known")
    assert refused.value.details[0].field == "until"
    assert told() == ["alert.raised"]


@pytest.mark.parametrize("text", ["x" * 501, "a\0b", "a\ud800"])
@pytest.mark.parametrize(
    ("verb", "field"), [("acknowledge", "note"), ("silence", "reason"), ("resolve", "reason")]
)
def test_a_remark_that_does_not_fit_is_refused(raised, verb, field, text):
    more = {"until": in_an_hour()} if verb == "silence" else {}
    with pytest.raises(InvalidInput) as refused:
        getattr(operations, verb)(alert_id=raised().pk, actor=ADA, **more, **{field: text})
    assert refused.value.details[0].field == field


def test_a_silence_needs_a_reason(raised):
    with pytest.raises(InvalidInput, match="Give a reason"):
        operations.silence(alert_id=raised().pk, actor=ADA, until=in_an_hour(), reason=" ")


def test_the_list_knows_every_status(raised, silenced):
    made = {"open": raised("test.a"), "acknowledged": raised("test.b"), "resolved": raised("c")}
    made["silenced"] = silenced("test.d")
    do("acknowledge", made["acknowledged"].pk)
    do("resolve", made["resolved"].pk)
    for status in queries.STATUSES:
        [row] = queries.list_alerts(status=status)
        assert row["id"] == made[status].pk
    unresolved = {row["id"] for row in queries.list_alerts(unresolved_only=True)}
    assert unresolved == {each.pk for status, each in made.items() if status != "resolved"}
