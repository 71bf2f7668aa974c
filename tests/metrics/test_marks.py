"""What happened on the line of time: marks, from events, such as people want them on a chart."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from core import ids
from core.access.actor import SYSTEM
from core.alerts.operations import raise_alert, silence
from core.config import operations as config
from core.events.models import Event
from core.metrics import marks

pytestmark = pytest.mark.django_db
NOON = datetime.fromisoformat("2026-03-01T12:00:00+00:00")


def event(name: str, seconds: float = 0, *, subject: str = "it", **payload: Any) -> Event:
    """One that was published so long after noon."""
    made = Event.objects.create(name=name, subject=subject, payload=payload)
    Event.objects.filter(pk=made.pk).update(created_at=NOON + timedelta(seconds=seconds))
    return made


def start(seconds: float = 0, **different: Any) -> Event:
    usual = {
        "role": "web", "version": "0.2.0", "previous_version": "0.2.0", "instance_started": False,
    }  # fmt: skip
    return event("process.started", seconds, **{**usual, **different})


def told(minutes: float = 60) -> list[tuple[float, str, str]]:
    """Seconds after noon, kind and title of each mark."""
    found = marks.in_range(NOON, NOON + timedelta(minutes=minutes))
    return [
        ((each["timestamp"] - NOON).total_seconds(), each["kind"], each["title"]) for each in found
    ]


def test_the_processes_of_a_role_that_start_within_a_minute_are_one_restart():
    first = start(0)
    for seconds in (5, 20, 59):
        start(seconds)
    start(61)
    start(10, role="worker")
    assert told() == [
        (0, "restart", "Web restarted (4 processes)"),
        (10, "restart", "Worker restarted"),
        (61, "restart", "Web restarted"),
    ]
    found = marks.in_range(NOON, NOON + timedelta(minutes=1))
    assert found[0]["event"] == ids.external("event", first.pk)


def test_another_version_is_a_deployment_however_many_roles_it_has():
    for seconds, role in enumerate(["web", "web", "worker", "beat"]):
        start(seconds, role=role, previous_version="0.1.0")
    start(6)
    assert told() == [(0, "deploy", "Deployed 0.2.0")]


def test_a_version_that_only_the_first_of_a_role_finds_changed_is_a_deployment():
    start(0, previous_version="0.1.0")
    start(1)
    assert told() == [(0, "deploy", "Deployed 0.2.0")]


def test_an_instance_that_comes_up_is_one_mark():
    for seconds, role in enumerate(["web", "worker", "beat"]):
        start(seconds, role=role, instance_started=True)
    assert told() == [(0, "start", "Instance started")]


def test_the_first_start_ever_is_no_deployment():
    start(0, previous_version=None, instance_started=True)
    assert told() == [(0, "start", "Instance started")]


def test_changes_of_the_configuration_and_of_plugins_are_marks():
    event("config.changed", 1, keys=["metrics.rules"])
    event("config.changed", 2, keys=["a.b", "c.d", "e.f"])
    event("plugin.enabled", 3, subject="greeting", version="1.0")
    event("plugin.disabled", 4, subject="greeting", version="1.0")
    event("cache.cleared", 5, pattern=None)
    event("cache.cleared", 6, pattern="user:*")
    event("task.completed", 7)
    assert told() == [
        (1, "configuration", "Changed metrics.rules"),
        (2, "configuration", "Changed a.b and 2 more"),
        (3, "plugin", "Enabled greeting"),
        (4, "plugin", "Disabled greeting"),
        (5, "cache", "Cache cleared"),
    ]


def test_alerts_that_somebody_needs_to_hear_of_are_marks():
    for severity, title in (("critical", "Gone"), ("warning", "Slow"), ("info", "By the way")):
        alert = raise_alert(
            fingerprint=f"test.{severity}", source="test", severity=severity, title=title,
            message="",
        )  # fmt: skip
    silence(alert_id=alert.pk, actor=SYSTEM, until=timezone.now() + timedelta(hours=1), reason="x")
    now = timezone.now()
    found = marks.in_range(now - timedelta(minutes=5), now + timedelta(minutes=5))
    assert [(each["kind"], each["title"]) for each in found] == [
        ("alert", "Gone"),
        ("alert", "Slow"),
    ]


def test_real_changes_have_what_their_marks_are_made_of():
    config.change(values={"alerts.keep_days": 31}, actor=SYSTEM)
    now = timezone.now()
    [found] = marks.in_range(now - timedelta(minutes=5), now + timedelta(minutes=5))
    assert found["title"] == "Changed alerts.keep_days"


def test_only_marks_of_the_range_are_told():
    for seconds in (-1, 0, 59, 60):
        event("plugin.enabled", seconds, subject=str(seconds))
    assert [title for _, _, title in told(minutes=1)] == ["Enabled 0", "Enabled 59"]


def test_the_newest_200_are_kept():
    for seconds in range(210):
        event("plugin.enabled", seconds, subject=str(seconds))
    found = told()
    assert len(found) == 200
    assert found[-1][2] == "Enabled 209"


def test_a_mark_that_breaks_leaves_the_others(caplog):
    event("plugin.enabled", 1, subject="fine")
    event("config.changed", 2)
    assert told() == [(1, "plugin", "Enabled fine")]
    assert "the mark of config.changed can't be told" in caplog.text


@pytest.mark.parametrize(
    ("tell", "together"),
    [
        (lambda events: "mail", None),
        (lambda events: 5, None),
        (lambda events: 1 / 0, lambda event: 1 / 0),
        (lambda events: 1 / 0, lambda event: []),
    ],
)
def test_a_mark_of_a_plugin_that_breaks_leaves_the_others(tell, together, caplog):
    marks.register("mail.paused", together=together)(tell)
    try:
        event("mail.paused", 1)
        event("plugin.enabled", 2, subject="fine")
        assert told() == [(2, "plugin", "Enabled fine")]
    finally:
        marks.registry.remove("mail.paused")
    assert "the mark of mail.paused can't be told" in caplog.text


def test_a_plugin_adds_marks_of_its_own():
    marks.register("mail.paused")(lambda events: ("mail", f"Mail paused by {events[0].subject}"))
    try:
        event("mail.paused", 3, subject="ada")
        assert told() == [(3, "mail", "Mail paused by ada")]
    finally:
        marks.registry.remove("mail.paused")
