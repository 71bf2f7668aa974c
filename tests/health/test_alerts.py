"""A component that is not healthy is an alert of the instance, until it is healthy again."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import OperationalError, connection

from core.access.actor import SYSTEM
from core.alerts import operations
from core.alerts.models import Alert
from core.events.models import Event
from core.health import background, excuses, transitions
from core.health.board import Health, Standing
from core.health.checks import Component, Unhealthy
from core.health.models import ComponentStatus
from core.processes import runtime
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)


def see(*found: Health, critical: bool = False, reason: str = "works: it is gone") -> None:
    """This process sees the part like this, one after the other."""
    for health in found:
        why = None if health == Health.HEALTHY else reason
        transitions.observe([Standing(Component("test_part", critical), health, why, ())])
    transitions.write()


def another_process_sees(*found: Health, **how) -> None:
    transitions.forget()
    see(*found, **how)


def test_a_cold_start_of_what_is_healthy_is_no_alert():
    for _ in range(2):
        another_process_sees(Health.HEALTHY)
    assert not Alert.objects.exists()


@pytest.mark.parametrize(
    ("health", "critical", "severity"),
    [
        (Health.UNHEALTHY, True, "critical"),
        (Health.UNHEALTHY, False, "warning"),
        (Health.DEGRADED, True, "warning"),
        (Health.DEGRADED, False, "warning"),
    ],
)
def test_its_severity_says_whether_the_instance_depends_on_it(health, critical, severity):
    see(Health.HEALTHY, health, critical=critical)
    alert = Alert.objects.get()
    assert (alert.fingerprint, alert.source, alert.severity) == (
        "health.test_part", "health", severity,
    )  # fmt: skip
    assert alert.title == f"Test part: {health}"
    assert alert.message == "works: it is gone"
    assert (alert.details["previous"], alert.details["status"]) == ("healthy", health)


def test_recovery_resolves_it_and_the_next_outage_is_another_alert():
    see(Health.HEALTHY, Health.UNHEALTHY, Health.HEALTHY)
    first = Alert.objects.get()
    assert (first.resolved_by, first.resolution) == (
        "source:health", "The component is healthy again.",
    )  # fmt: skip
    see(Health.UNHEALTHY)
    assert Alert.objects.get(resolved_at=None).count == 1
    assert Alert.objects.count() == 2


def test_one_that_gets_worse_is_the_same_alert_and_worse():
    see(Health.DEGRADED, critical=True, reason="works: it is slow")
    see(Health.UNHEALTHY, critical=True)
    alert = Alert.objects.get()
    assert (alert.count, alert.severity, alert.message) == (2, "critical", "works: it is gone")
    see(Health.DEGRADED, critical=True, reason="works: it is slow")
    alert = Alert.objects.get()
    assert (alert.count, alert.severity, alert.title) == (3, "critical", "Test part: degraded")


def test_every_process_sees_it_and_it_is_counted_once():
    see(Health.HEALTHY, Health.UNHEALTHY)
    for _ in range(3):
        another_process_sees(Health.UNHEALTHY)
    assert Alert.objects.get().count == 1


def test_processes_that_write_at_once_open_one_alert():
    see(Health.HEALTHY)
    transitions.forget()
    transitions.observe([Standing(Component("test_part"), Health.UNHEALTHY, "gone", ())])
    [transition] = transitions._pending
    together = Barrier(4)

    def process(number: int) -> bool:
        try:
            together.wait(10)
            return transitions._write(transition)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(process, range(4))) == 1
    assert Alert.objects.get().count == 1


def test_one_left_open_by_a_run_before_is_resolved_when_all_is_well():
    see(Health.HEALTHY, Health.UNHEALTHY)
    another_process_sees(Health.HEALTHY)
    assert Alert.objects.get().resolution == "The component is healthy again."


def test_one_left_open_by_a_run_before_stays_while_nothing_has_changed():
    see(Health.HEALTHY, Health.UNHEALTHY)
    another_process_sees(Health.UNHEALTHY)
    alert = Alert.objects.get()
    assert (alert.resolved_at, alert.count) == (None, 1)


def test_one_that_somebody_resolved_stays_so_until_the_next_outage():
    see(Health.HEALTHY, Health.UNHEALTHY)
    operations.resolve(alert_id=Alert.objects.get().pk, actor=SYSTEM, reason="known")
    another_process_sees(Health.UNHEALTHY)
    see(Health.HEALTHY)
    assert Alert.objects.get().resolution == "known"
    see(Health.UNHEALTHY)
    assert Alert.objects.count() == 2


def test_the_alert_the_event_and_the_status_are_one_transaction(monkeypatch):
    see(Health.HEALTHY)

    def refuse(**given):
        raise OperationalError("gone")

    with monkeypatch.context() as patched:
        patched.setattr(operations, "raise_alert", refuse)
        with pytest.raises(OperationalError):
            see(Health.UNHEALTHY)
    assert ComponentStatus.objects.get().status == "healthy"
    assert not Event.objects.filter(name="component.status_changed").exists()
    transitions.write()
    assert Alert.objects.get().title == "Test part: unhealthy"


def test_a_running_web_process_opens_and_resolves_by_itself(check, monkeypatch):
    monkeypatch.setattr(background, "GRACE_SECONDS", 0.0)
    broken: list[str] = []

    def measure() -> None:
        if broken:
            raise Unhealthy(broken[0])

    check(measure, cadence=0.2)
    try:
        runtime.start("web")
        until(lambda: ComponentStatus.objects.filter(status="healthy").exists())
        broken.append("it is gone")
        until(lambda: Alert.objects.filter(fingerprint="health.part", resolved_at=None).exists())
        broken.clear()
        until(lambda: Alert.objects.exclude(resolved_at=None).exists())
    finally:
        runtime.stop()
    assert Alert.objects.get().message == "works: it is gone"


class TestWhatSomebodyMeant:
    @pytest.fixture
    def excused(self) -> Iterator[set[str]]:
        """The components for which there is an excuse."""
        found: set[str] = set()
        excuses.registry.add("test", lambda component: component in found)
        yield found
        excuses.registry.remove("test")

    def test_nobody_is_alerted_while_it_is_excused(self, excused):
        excused.add("test_part")
        see(Health.UNHEALTHY, reason="restarting")
        see(Health.HEALTHY)
        assert not Alert.objects.exists()

    def test_what_outlasts_its_excuse_is_told_once(self, excused):
        excused.add("test_part")
        see(Health.UNHEALTHY, reason="restarting")
        transitions.write()
        assert not Alert.objects.exists()
        excused.clear()
        transitions.write()
        transitions.write()
        alert = Alert.objects.get()
        assert (alert.fingerprint, alert.count, alert.message) == (
            "health.test_part",
            1,
            "restarting",
        )
        see(Health.HEALTHY)
        alert.refresh_from_db()
        assert alert.resolved_at is not None

    def test_an_excuse_that_breaks_is_none(self, excused, caplog):
        excuses.registry.add("broken", lambda component: 1 / 0)
        see(Health.UNHEALTHY)
        excuses.registry.remove("broken")
        assert Alert.objects.exists()
        assert "the excuse broken broke" in caplog.text
