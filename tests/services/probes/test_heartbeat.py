"""The heartbeat probe notices when a service stops to report."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from services.probes.base import Heartbeat, Outcome, Status
from services.probes.heartbeat import HeartbeatProbe

TIMES = {"every": 60, "grace": 30}


def ago(seconds: float) -> datetime:
    return datetime.now(UTC) - timedelta(seconds=seconds)


def beat(seconds: float, *, health: str = "healthy", message: str = "") -> Heartbeat:
    return Heartbeat(ago(seconds), health, message, "1.2.3", {"queue": 5})


@pytest.mark.parametrize("age", [0, 59, 89])
def test_a_heartbeat_in_time_is_healthy(look, age):
    heartbeat = beat(age)
    seen = look("heartbeat", heartbeat=heartbeat, **TIMES)
    assert (seen.outcome, seen.reason, seen.status) == (Outcome.PASS, "", Status.RUNNING)
    assert seen.version == "1.2.3"
    assert seen.figures == {"queue": 5, "last_heartbeat_at": heartbeat.at.isoformat()}


def test_a_heartbeat_that_is_overdue_is_unhealthy(look):
    heartbeat = beat(91)
    seen = look("heartbeat", heartbeat=heartbeat, **TIMES)
    assert (seen.outcome, seen.status) == (Outcome.FAIL, Status.UNKNOWN)
    assert seen.reason == (
        f"No heartbeat in time: the last one came at {heartbeat.at:%Y-%m-%d %H:%M:%S} UTC,"
        " and one is due every 60 s"
    )


def test_a_change_of_the_definition_does_not_make_an_overdue_one_healthy(look):
    seen = look("heartbeat", heartbeat=beat(91), watched_since=ago(1), **TIMES)
    assert seen.outcome is Outcome.FAIL


def test_a_service_that_was_never_heard_of_is_starting_until_one_is_overdue(look):
    seen = look("heartbeat", watched_since=ago(80), **TIMES)
    assert (seen.outcome, seen.status) == (Outcome.PASS, Status.STARTING)
    assert seen.reason.startswith("No heartbeat yet: the first one is due by ")
    seen = look("heartbeat", watched_since=ago(91), **TIMES)
    assert (seen.outcome, seen.status) == (Outcome.FAIL, Status.UNKNOWN)
    assert seen.reason == "No heartbeat in time: none ever came, and one is due every 60 s"


@pytest.mark.parametrize(
    ("health", "message", "outcome", "reason"),
    [
        ("degraded", "disk nearly full", Outcome.WARNING, "disk nearly full"),
        ("degraded", "", Outcome.WARNING, "It says that it is degraded"),
        ("unhealthy", "no database", Outcome.FAIL, "no database"),
        ("healthy", "all fine", Outcome.PASS, ""),
    ],
)
def test_what_a_service_says_of_itself_counts(look, health, message, outcome, reason):
    seen = look("heartbeat", heartbeat=beat(1, health=health, message=message), **TIMES)
    assert (seen.outcome, seen.reason, seen.status) == (outcome, reason, Status.RUNNING)


def test_one_look_is_enough_to_see_that_a_heartbeat_is_overdue():
    assert HeartbeatProbe.Configuration().failure_threshold == 1


@pytest.mark.parametrize(
    "wrong",
    [{"every": 0}, {"every": 10**9}, {"grace": -1}, {"token": "short"}, {"token": "x" * 201},
     {"token": "with a space in it"}, {"token": "ä" * 20}, {"token": "x" * 16 + "\n"},
     {"other": 1}],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValidationError):
        HeartbeatProbe.Configuration.model_validate(wrong)


@pytest.mark.parametrize("token", [None, "x" * 16, "!~" * 100])
def test_a_token_is_optional_and_long(token):
    assert HeartbeatProbe.Configuration.model_validate({"token": token})
