"""The systemd controller acts over the protocol of the system bus, and is honest of the outcome."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from services.controllers.base import ActionFailed, OutcomeUnknown
from services.controllers.systemd import SystemdController
from tasks.interrupts import CancelRequested
from tests.services import buses
from tests.services.acts import Act
from tests.services.buses import StandIn


@pytest.fixture
def systemd(monkeypatch) -> Iterator[StandIn]:
    with buses.running() as made:
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", made.address)
        made.run("web.service")
        yield made


@pytest.fixture
def web(systemd) -> SystemdController:
    return SystemdController(SystemdController.Configuration(unit="web.service"))


def active(systemd: StandIn) -> str:
    return str(systemd.units["web.service"]["ActiveState"][1])


def test_it_is_stopped_and_started_and_restarted(systemd, web):
    web.stop(Act())
    assert active(systemd) == "inactive"
    web.start(Act())
    assert active(systemd) == "active"
    before = systemd.units["web.service"]["ActiveEnterTimestamp"]
    web.restart(Act())
    assert systemd.units["web.service"]["ActiveEnterTimestamp"] > before


def test_a_restart_that_is_repeated_after_it_was_done_does_nothing(systemd, web):
    act = Act(since=datetime.now(UTC) - timedelta(seconds=1))
    web.restart(act)
    assert "RestartUnit" not in systemd.called
    assert "already" in act.said[0]


def test_a_restart_that_is_repeated_after_it_failed_is_a_failure(systemd, web):
    systemd.set("web.service", ActiveState="failed", Result="exit-code", ExecMainCode=1,
                ExecMainStatus=3)  # fmt: skip
    with pytest.raises(ActionFailed, match=r"failed: exit-code, status 3"):
        web.restart(Act(since=datetime.now(UTC) - timedelta(seconds=1)))
    assert "RestartUnit" not in systemd.called


@pytest.mark.parametrize("result", ["failed", "timeout", "dependency", "canceled"])
def test_a_job_that_does_not_end_well_is_a_failure(systemd, web, result):
    systemd.ends = result
    with pytest.raises(
        ActionFailed, match=f"RestartUnit of web.service: its job ended as {result}"
    ):
        web.restart(Act())


def test_a_job_that_does_not_apply_is_none(systemd, web):
    systemd.ends = "skipped"
    web.start(Act())
    assert systemd.called[-1] == "StartUnit"


def test_a_job_that_does_not_end_in_time_is_unknown(systemd, web):
    systemd.ends = None
    with pytest.raises(OutcomeUnknown, match=r"still at StopUnit of web\.service"):
        web.stop(Act(seconds=0.3))


def test_a_cancelled_act_ends_at_its_next_checkpoint(systemd, web):
    systemd.ends = None
    act = Act(cancelled_at=2)
    with pytest.raises(CancelRequested):
        web.stop(act)
    assert act.checkpoints == 2


@pytest.mark.parametrize("lost", ["lost", "silent"])
def test_a_job_that_nobody_confirmed_is_unknown(systemd, web, lost):
    getattr(systemd, lost).add("StopUnit")
    with pytest.raises(OutcomeUnknown, match="did not answer"):
        web.stop(Act(seconds=0.3))


@pytest.mark.parametrize("lost", ["lost", "silent"])
def test_nothing_was_done_when_it_could_not_even_be_looked_at(systemd, web, lost):
    getattr(systemd, lost).add("LoadUnit")
    with pytest.raises(ActionFailed, match="did not answer"):
        web.restart(Act(seconds=0.3))


def test_a_refusal_is_a_failure_with_what_systemd_says(systemd, web):
    told = "Interactive authentication required."
    systemd.errors["StopUnit"] = (
        "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired",
        told,
    )
    with pytest.raises(ActionFailed, match=told):
        web.stop(Act())


def test_logs_are_what_journalctl_shows_of_the_unit(web, tmp_path, monkeypatch):
    journalctl = tmp_path / "journalctl"
    journalctl.write_text('#!/bin/sh\necho first\necho "$@"\n')
    journalctl.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    assert web.logs(1) == ["--unit=web.service --lines=1 --output=short-iso --no-pager --quiet"]
    journalctl.write_text("#!/bin/sh\necho 'No journal files were opened' >&2\nexit 1\n")
    with pytest.raises(ActionFailed, match="journalctl failed: No journal files were opened"):
        web.logs(1)


def test_a_machine_without_a_journal_has_no_logs(web, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ActionFailed, match="journalctl can't be run: No such file"):
        web.logs(1)
