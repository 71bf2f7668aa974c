"""What people are told of services: one alert each, and none for what they did themselves."""

from __future__ import annotations

import pytest

from core.access.actor import SYSTEM
from core.alerts import operations as alerts
from core.alerts.models import Alert
from core.health import parts
from services.models import Service, State
from tasks.models import Status as TaskStatus
from tasks.models import Task
from tests.services.health.conftest import FAIL, PASS, PROBE, WARNING, ago, saw


def unresolved() -> list[str]:
    return list(Alert.objects.filter(resolved_at=None).values_list("fingerprint", flat=True))


def test_a_service_that_fails_raises_an_alert_until_it_works_again(service):
    web = service()
    saw(web, PASS, FAIL)
    assert unresolved() == []
    saw(web, FAIL, FAIL, FAIL)
    alert = Alert.objects.get()
    assert (alert.fingerprint, alert.source, alert.count) == ("service.web", "services", 1)
    assert (alert.title, alert.message) == ("web is unhealthy", "connection refused")
    assert alert.details == {"service": "web", "health": "unhealthy", "status": "failed"}
    saw(web, PASS)
    alert.refresh_from_db()
    assert alert.resolution == "The service is healthy again."


@pytest.mark.parametrize(
    ("criticality", "degraded", "unhealthy"),
    [
        ("critical", "warning", "critical"),
        ("normal", "warning", "warning"),
        ("low", "info", "info"),
    ],
)
def test_how_bad_it_is_depends_on_the_service(service, criticality, degraded, unhealthy):
    web = service(criticality=criticality)
    saw(web, PASS, WARNING)
    assert Alert.objects.get().severity == degraded
    saw(web, FAIL, FAIL)
    assert Alert.objects.get().severity == unhealthy


class TestStoppedOnPurpose:
    def test_it_raises_none(self, service):
        web = service(desired_state="stopped")
        saw(web, FAIL, FAIL, WARNING, FAIL)
        assert unresolved() == []

    def test_it_ends_the_one_there_is(self, service):
        web = service()
        saw(web, FAIL)
        Service.objects.update(desired_state="stopped")
        saw(web, FAIL)
        assert Alert.objects.get().resolution == "Stopped on purpose."


class TestWhileSomethingActsUponIt:
    def test_it_raises_none_until_that_is_over(self, service, acted_upon):
        web = service()
        saw(web)
        task = acted_upon(web)
        assert saw(web, FAIL, FAIL).health == "unhealthy"
        assert unresolved() == []
        Task.objects.filter(pk=task.pk).update(status=TaskStatus.COMPLETED)
        saw(web, FAIL)
        assert unresolved() == ["service.web"]
        saw(web, FAIL)
        assert Alert.objects.get().count == 1

    def test_it_raises_none_at_all_when_it_is_well_by_then(self, service, acted_upon):
        web = service()
        saw(web)
        task = acted_upon(web)
        saw(web, FAIL, FAIL, PASS)
        Task.objects.filter(pk=task.pk).update(status=TaskStatus.COMPLETED)
        saw(web)
        assert not Alert.objects.exists()

    def test_the_one_there_was_is_resolved_by_success(self, service, acted_upon):
        web = service()
        saw(web, FAIL)
        acted_upon(web)
        saw(web, PASS)
        assert unresolved() == []


class TestResolvedByAPerson:
    def test_it_does_not_come_again_while_nothing_changes(self, service):
        web = service()
        saw(web, FAIL)
        alerts.resolve(alert_id=Alert.objects.get().pk, actor=SYSTEM)
        saw(web, FAIL, FAIL)
        assert unresolved() == []

    def test_it_comes_again_when_it_fails_again(self, service):
        web = service()
        saw(web, FAIL)
        alerts.resolve(alert_id=Alert.objects.get().pk, actor=SYSTEM)
        saw(web, PASS, FAIL, FAIL)
        assert unresolved() == ["service.web"]


def test_after_nobody_looked_the_alert_goes_on(service):
    web = service()
    saw(web, FAIL)
    State.objects.update(probed_at=ago(minutes=5))
    saw(web, FAIL)
    assert Alert.objects.get().count == 1
    State.objects.update(probed_at=ago(minutes=5))
    saw(web, PASS)
    assert unresolved() == []


class Quiet(parts.Part):
    def look(self) -> parts.Sight:
        return parts.Sight("healthy")

    def restart(self, progress: parts.Progress, *, since) -> None:
        progress.info("Done.")


@pytest.mark.parametrize(("alert", "raised"), [("health.cache", []), (None, ["service.own"])])
def test_a_part_that_others_raise_an_alert_for_raises_none(service, alert, raised):
    parts.register("own", type="Own", description="")(type("Own", (Quiet,), {"alert": alert}))
    try:
        own = service("own")
        Service.objects.update(probe={**PROBE, "type": "part"}, origin="instance")
        saw(own, FAIL, FAIL, FAIL)
        assert unresolved() == raised
        assert saw(own, PASS).health == "healthy"
        assert unresolved() == []
    finally:
        parts.registry.remove("own")
