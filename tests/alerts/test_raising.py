"""What a source says: one alert for one matter, however often and from wherever it is said."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from core.access.actor import SYSTEM
from core.access.models import AuditEntry
from core.alerts import bounds, operations
from core.alerts.models import Alert
from core.errors import InvalidInput
from core.events.models import Event
from tests.alerts.conftest import status_of, told
from tests.processes.spawning import ROOT, database_url

pytestmark = pytest.mark.django_db


def test_a_new_matter_is_an_open_alert_and_an_event(raised):
    alert = raised("test.part", severity="critical", details={"size": 3})
    assert status_of(alert) == "open"
    assert (alert.count, alert.first_seen_at) == (1, alert.last_seen_at)
    assert Alert.objects.get().details == {"size": 3}
    event = Event.objects.get(name="alert.raised")
    assert event.subject.startswith("alert_")
    assert event.payload["fingerprint"] == "test.part"
    assert (event.payload["severity"], event.payload["silenced"]) == ("critical", False)
    assert not AuditEntry.objects.exists()


def test_the_same_again_is_counted_and_no_news(raised):
    first = raised(message="3 s")
    for seconds in range(4, 9):
        last = raised(message=f"{seconds} s", title="Part is slower", details={"s": seconds})
    assert last.pk == first.pk
    assert (last.count, last.first_seen_at) == (6, first.first_seen_at)
    assert last.last_seen_at > first.last_seen_at
    stored = Alert.objects.get()
    assert (stored.title, stored.message, stored.details) == (
        "Part is slower", "8 s", {"s": 8},
    )  # fmt: skip
    assert told() == ["alert.raised"]


def test_another_fingerprint_is_another_alert(raised):
    assert raised("test.a").pk != raised("test.b").pk
    assert told() == ["alert.raised"] * 2


def test_an_alert_has_the_worst_severity_since_it_came_up(raised):
    found = [raised(severity=each).severity for each in ("info", "warning", "info", "critical")]
    assert found == ["info", "warning", "warning", "critical"]
    assert raised(severity="warning").severity == "critical"
    assert told() == ["alert.raised", "alert.worsened", "alert.worsened"]


def test_one_that_gets_worse_is_open_again(raised):
    alert = raised(severity="warning")
    operations.acknowledge(alert_id=alert.pk, actor=SYSTEM)
    raised(severity="warning")
    assert status_of(alert) == "acknowledged"
    raised(severity="critical")
    assert status_of(alert) == "open"
    operations.acknowledge(alert_id=alert.pk, actor=SYSTEM)
    raised(severity="critical")
    assert status_of(alert) == "acknowledged"


def test_what_was_resolved_comes_again_as_a_new_alert(raised):
    first = raised(severity="critical")
    operations.acknowledge(alert_id=first.pk, actor=SYSTEM)
    operations.resolve_alert(fingerprint="test.part", reason="It is back.")
    second = raised()
    assert second.pk != first.pk
    assert (second.count, second.severity, status_of(second)) == (1, "warning", "open")
    assert (status_of(first), Alert.objects.get(pk=first.pk).severity) == ("resolved", "critical")


def test_a_source_resolves_once(raised):
    alert = raised()
    found = operations.resolve_alert(fingerprint="test.part", reason="It is back.")
    assert found is not None
    assert (found.pk, found.resolution, found.resolved_by) == (
        alert.pk, "It is back.", "source:test",
    )  # fmt: skip
    assert operations.resolve_alert(fingerprint="test.part", reason="again") is None
    assert operations.resolve_alert(fingerprint="test.never", reason="no") is None
    assert told() == ["alert.raised", "alert.resolved"]
    assert Alert.objects.get().resolution == "It is back."


class TestSilence:
    def test_a_silence_goes_on_for_the_next_alert_of_the_fingerprint(self, raised, silenced):
        former = silenced()
        operations.resolve_alert(fingerprint="test.part", reason="It is back.")
        alert = raised()
        assert status_of(alert) == "silenced"
        assert (alert.silenced_until, alert.silenced_by, alert.silence_reason) == (
            former.silenced_until, "system:nexus", "known",
        )  # fmt: skip
        assert Event.objects.filter(name="alert.raised").latest("id").payload["silenced"] is True
        assert status_of(raised("test.other")) == "open"

    def test_one_that_is_over_does_not(self, raised, silenced):
        silenced()
        operations.resolve_alert(fingerprint="test.part", reason="It is back.")
        Alert.objects.update(silenced_until=timezone.now() - timedelta(seconds=1))
        alert = raised()
        assert (status_of(alert), alert.silenced_by) == ("open", "")

    def test_one_that_was_ended_does_not(self, raised, silenced):
        former = silenced()
        operations.resolve_alert(fingerprint="test.part", reason="It is back.")
        operations.unsilence(alert_id=former.pk, actor=SYSTEM)
        assert status_of(raised()) == "open"

    def test_repeats_leave_it_alone(self, raised, silenced):
        alert = silenced()
        raised(severity="critical")
        assert status_of(alert) == "silenced"
        assert Event.objects.get(name="alert.worsened").payload["silenced"] is True


class TestBounds:
    def test_a_long_text_is_cut_rather_than_lost(self, raised):
        alert = raised(title="t" * 1000, message="m" * 100_000)
        assert (len(alert.title), len(alert.message)) == (bounds.MAX_TITLE, bounds.MAX_MESSAGE)
        assert alert.message.endswith("m…")
        resolved = operations.resolve_alert(fingerprint="test.part", reason="r" * 1000)
        assert resolved is not None
        assert len(resolved.resolution) == bounds.MAX_REMARK

    def test_text_the_database_can_not_hold_is_replaced(self, raised):
        alert = raised(title="a\0b", message="c\ud800d", details={"e\0": "f\0"})
        assert (alert.title, alert.message) == ("a�b", "c�d")
        assert Alert.objects.get().details == {"e�": "f�"}

    @pytest.mark.parametrize(
        ("details", "reason"),
        [
            ({"text": "x" * bounds.MAX_DETAILS}, "bytes, more than"),
            ({"text": "\ud800"}, "can't be written"),
            ({"number": 2**70}, "can't be written"),
        ],
    )
    def test_details_that_can_not_be_kept_say_why(self, raised, details, reason):
        raised(details=details)
        assert reason in Alert.objects.get().details["omitted"]

    def test_details_nested_without_end_say_so(self, raised):
        endless: dict = {}
        endless["again"] = endless
        raised(details=endless)
        assert "can't be written" in Alert.objects.get().details["omitted"]

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("fingerprint", ""),
            ("fingerprint", "x" * 201),
            ("fingerprint", "a\nb"),
            ("fingerprint", "a\ud800"),
            ("source", ""),
            ("source", "Health"),
            ("source", "a" * 51),
            ("severity", "fatal"),
            ("title", " "),
        ],
    )
    def test_what_would_name_nothing_is_refused(self, raised, field, value):
        with pytest.raises(InvalidInput) as refused:
            raised(**{field: value})
        assert refused.value.details[0].field == field
        assert not Alert.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_an_alert_and_its_event_are_one_transaction(raised, monkeypatch):
    def refuse(*args, **kwargs):
        raise ConnectionError

    monkeypatch.setattr(operations, "publish", refuse)
    with pytest.raises(ConnectionError):
        raised()
    assert not Alert.objects.exists()
    assert not connection.in_atomic_block


@pytest.mark.django_db(transaction=True)
def test_processes_that_raise_at_once_make_one_alert_and_count_every_time():
    environ = {
        **os.environ, "DJANGO_SETTINGS_MODULE": "nexus.settings", "DATABASE_URL": database_url()
    }  # fmt: skip
    command = [sys.executable, "-m", "tests.alerts.raiser", "50"]
    raisers = [
        subprocess.Popen(
            command, cwd=ROOT, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for _ in range(3)
    ]
    try:
        assert [each.stdout.readline() for each in raisers] == [b"ready\n"] * 3
        for each in raisers:
            each.stdin.close()
        assert [each.wait(60) for each in raisers] == [0] * 3
    finally:
        for each in raisers:
            each.kill()
            each.wait(10)
            each.stdout.close()
    assert Alert.objects.get().count == 150
    assert told() == ["alert.raised"]
