"""The systemd probe tells how a unit is, over the protocol of the system bus."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from core.errors import InvalidInput
from core.health.checks import Outcome
from services.probes.base import Status
from services.registry import definitions
from tests.services import buses
from tests.services.buses import StandIn


@pytest.fixture
def systemd(monkeypatch) -> Iterator[StandIn]:
    with buses.running() as made:
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", made.address)
        yield made


def test_a_unit_that_runs_is_healthy_with_what_systemd_counts(look, systemd):
    systemd.run("web.service", MainPID=4711, NRestarts=2, MemoryCurrent=3 * 2**20, TasksCurrent=5,
                CPUUsageNSec=1_500_000_000)  # fmt: skip

    seen = look("systemd", unit="web.service")

    assert (seen.outcome, seen.status, seen.reason) == (Outcome.PASS, Status.RUNNING, "")
    assert datetime.now(UTC) - timedelta(seconds=10) < seen.started_at <= datetime.now(UTC)
    assert seen.figures == {
        "active_state": "active",
        "sub_state": "running",
        "pid": 4711,
        "restarts": 2,
        "memory_mb": 3.0,
        "tasks": 5,
        "cpu_seconds": 1.5,
    }


def test_what_systemd_does_not_count_is_missing(look, systemd):
    systemd.run("web.service")
    assert set(look("systemd", unit="web.service").figures) == {
        "active_state",
        "sub_state",
        "restarts",
    }


@pytest.mark.parametrize(
    ("active", "sub", "outcome", "status"),
    [
        ("reloading", "reload", Outcome.PASS, Status.RUNNING),
        ("activating", "start-pre", Outcome.WARNING, Status.STARTING),
        ("activating", "auto-restart", Outcome.FAIL, Status.RESTARTING),
        ("deactivating", "stop-sigterm", Outcome.WARNING, Status.RUNNING),
        ("inactive", "dead", Outcome.FAIL, Status.STOPPED),
        ("failed", "failed", Outcome.FAIL, Status.FAILED),
        ("new", "state", Outcome.FAIL, Status.UNKNOWN),
    ],
)
def test_each_state_is_told_as_what_it_means(look, systemd, active, sub, outcome, status):
    systemd.run("web.service", ActiveState=active, SubState=sub)

    seen = look("systemd", unit="web.service")

    assert (seen.outcome, seen.status) == (outcome, status)
    assert (seen.started_at is not None) == (status is Status.RUNNING and not seen.reason)
    assert seen.reason in (
        "",
        f"systemd says {active} ({sub})",
        f"systemd says {active} ({sub}): success",
    )


@pytest.mark.parametrize(
    ("code", "status", "told"), [(1, 3, "status 3"), (2, 9, "SIGKILL"), (3, 250, "signal 250")]
)
def test_why_it_failed_is_said(look, systemd, code, status, told):
    systemd.run("web.service", ActiveState="failed", SubState="failed", Result="exit-code",
                ExecMainCode=code, ExecMainStatus=status)  # fmt: skip

    reason = look("systemd", unit="web.service").reason
    assert reason == f"systemd says failed (failed): exit-code, {told}"


def test_a_unit_that_systemd_does_not_have_is_unhealthy(look, systemd):
    seen = look("systemd", unit="nothing.timer")

    assert (seen.outcome, seen.status) == (Outcome.FAIL, Status.FAILED)
    assert seen.reason == "The unit is not-found: Unit nothing.timer not found."


@pytest.mark.parametrize("method", ["Hello", "LoadUnit", "GetAll"])
def test_a_bus_that_does_not_answer_is_given_up_at_the_deadline(look, systemd, method):
    systemd.silent.add(method)
    began = time.monotonic()

    seen = look("systemd", unit="web.service", timeout=0.3)

    assert time.monotonic() - began < 2.0
    assert (seen.outcome, seen.status) == (Outcome.FAIL, Status.UNKNOWN)
    assert seen.reason == "systemd did not answer in time."


def test_a_connection_that_is_lost_is_told(look, systemd):
    systemd.lost.add("LoadUnit")
    seen = look("systemd", unit="web.service")
    assert (seen.outcome, seen.status) == (Outcome.FAIL, Status.UNKNOWN)
    assert "did not answer" in seen.reason


def test_a_machine_without_systemd_is_told(look, systemd, monkeypatch, tmp_path):
    error = ("org.freedesktop.DBus.Error.ServiceUnknown", "The name is not activatable")
    systemd.errors["LoadUnit"] = error
    assert "no systemd on the system bus" in look("systemd", unit="web.service").reason

    for address in (f"unix:path={tmp_path}/none", "tcp:host=localhost", "nonsense"):
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
        seen = look("systemd", unit="web.service")
        assert (seen.outcome, seen.status) == (Outcome.FAIL, Status.UNKNOWN)
        assert "bus can't be reached" in seen.reason


@pytest.mark.parametrize(
    "unit", ["", "web", "web.conf", "web@.service", "a b.service", "../x.service", "a\0.service",
             "x" * 300 + ".service", None],
)  # fmt: skip
def test_what_is_no_name_of_a_unit_is_refused(unit):
    document = {"name": "web", "type": "app", "probe": {"type": "systemd", "unit": unit}}
    with pytest.raises(InvalidInput) as refused:
        definitions.check(document)
    assert refused.value.details[0].field == "probe.unit"


@pytest.mark.parametrize("unit", ["web.service", "worker@1.service", "dev-disk\\x2d1.mount"])
def test_names_of_units_are_taken(unit):
    document = {"name": "web", "type": "app", "probe": {"type": "systemd", "unit": unit}}
    assert definitions.check(document).probe["unit"] == unit
