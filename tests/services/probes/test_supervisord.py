"""The supervisord probe tells how a real supervisord's programs are."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from core import options
from core.errors import InvalidInput
from core.health.checks import Outcome
from services.probes.base import Status
from services.registry import definitions
from tests.services import supervision
from tests.services.supervision import Supervision
from tests.waiting import until

SLEEP = f"{sys.executable} -c 'import time; time.sleep(600)'"


@pytest.fixture(scope="module")
def supervisord() -> Iterator[Supervision]:
    own = {"startsecs": 0, "autorestart": "false"}
    sections = {
        "program:steady": {"command": SLEEP, **own},
        "program:broken": {"command": "/bin/false", "startsecs": 1, "startretries": 0},
        "program:resting": {"command": SLEEP, "autostart": "false"},
        "program:slow": {"command": SLEEP, "startsecs": 600},
        "program:ended": {"command": "/bin/sh -c 'exit 3'", **own},
        "program:left": {"command": SLEEP, **own},
        "program:right": {"command": SLEEP, **own, "autostart": "false"},
        "group:both": {"programs": "left,right"},
    }
    with supervision.running(sections) as made:
        yield made


def test_a_program_that_runs_is_healthy_with_its_process_and_start(look, supervisord):
    seen = look("supervisord", **supervisord.place("steady"))

    assert (seen.outcome, seen.status, seen.reason) == (Outcome.PASS, Status.RUNNING, "")
    os.kill(seen.figures["pid"], 0)
    assert datetime.now(UTC) - timedelta(seconds=60) < seen.started_at <= datetime.now(UTC)
    assert seen.figures["uptime_seconds"] < 60


@pytest.mark.parametrize(
    ("program", "outcome", "status", "reason"),
    [
        ("broken", Outcome.FAIL, Status.FAILED, "Exited too quickly"),
        ("resting", Outcome.FAIL, Status.STOPPED, "supervisord says STOPPED"),
        ("slow", Outcome.WARNING, Status.STARTING, "supervisord says STARTING"),
        ("ended", Outcome.FAIL, Status.FAILED, "It exited with status 3"),
    ],
)
def test_each_state_is_told_as_what_it_means(look, supervisord, program, outcome, status, reason):
    until(lambda: look("supervisord", **supervisord.place(program)).status is status)

    seen = look("supervisord", **supervisord.place(program))

    assert (seen.outcome, seen.status) == (outcome, status)
    assert reason in seen.reason


def test_a_group_is_degraded_when_only_some_of_it_run(look, supervisord):
    seen = look("supervisord", **supervisord.place("both:*"))

    assert (seen.outcome, seen.status) == (Outcome.WARNING, Status.RUNNING)
    assert seen.reason == "1 of 2 run: right: supervisord says STOPPED"
    assert seen.figures["running"] == 1
    assert list(seen.figures["pids"]) == ["left"]


def test_a_program_of_a_group_is_named_with_it(look, supervisord):
    assert look("supervisord", **supervisord.place("both:left")).outcome is Outcome.PASS


@pytest.mark.parametrize("program", ["nothing", "nothing:*", "both:nothing"])
def test_a_program_that_is_not_there_is_unhealthy(look, supervisord, program):
    seen = look("supervisord", **supervisord.place(program))

    assert seen.outcome is Outcome.FAIL
    assert "nothing" in seen.reason


def test_it_is_asked_over_http_with_a_password(look, supervisord):
    place = {"program": "steady", "url": supervisord.url, "username": "operator"}

    assert look("supervisord", **place, password=supervision.PASSWORD).outcome is Outcome.PASS
    assert "HTTP status 401" in look("supervisord", **place, password="wrong").reason


def test_an_address_that_is_not_allowed_is_not_asked(look, supervisord):
    with options.replaced({}):
        seen = look("supervisord", program="steady", url=supervisord.url)

    assert seen.outcome is Outcome.FAIL
    assert "outgoing.allowed_networks" in seen.reason


def test_a_socket_that_nobody_listens_at_is_unhealthy(look, tmp_path):
    seen = look("supervisord", program="steady", socket=str(tmp_path / "none"))

    assert (seen.outcome, seen.status) == (Outcome.FAIL, Status.UNKNOWN)
    assert "can't be reached" in seen.reason


def test_one_that_is_frozen_is_given_up_at_the_deadline(look, supervisord):
    os.kill(supervisord.process.pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        seen = look("supervisord", **supervisord.place("steady"), timeout=0.3)
        assert time.monotonic() - began < 2.0
    finally:
        os.kill(supervisord.process.pid, signal.SIGCONT)

    assert (seen.outcome, seen.status) == (Outcome.FAIL, Status.UNKNOWN)
    assert "did not answer" in seen.reason


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, "probe.program"),
        ({"program": "web"}, "probe."),
        ({"program": "web", "socket": "/s", "url": "http://example.com"}, "probe."),
        ({"program": "web", "socket": "/s", "other": 1}, "probe.other"),
        ({"program": "web", "socket": "relative"}, "probe.socket"),
        ({"program": "web\0", "socket": "/s"}, "probe.program"),
        ({"program": "a:b:c", "socket": "/s"}, "probe.program"),
        ({"program": "web", "url": "ftp://example.com"}, "probe.url"),
        ({"program": "web", "url": "http://me:secret@example.com"}, "probe.url"),
    ],
)
def test_a_configuration_that_can_not_work_is_refused_with_its_field(given, field):
    document = {"name": "web", "type": "app", "probe": {"type": "supervisord", **given}}
    with pytest.raises(InvalidInput) as refused:
        definitions.check(document)
    assert refused.value.details[0].field.startswith(field)
