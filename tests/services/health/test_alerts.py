"""What people are told of services: one alert each, and none for what they did themselves."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.access.actor import SYSTEM
from core.alerts import operations as alerts
from core.alerts.models import Alert
from core.health import parts
from services.health import results
from services.health.causes import catch_up
from services.health.maintenance import operations
from services.models import HealthPeriod, MaintenanceWindow, Service, State
from tasks.models import Status as TaskStatus
from tasks.models import Task
from tests.services.health.conftest import FAIL, PASS, PROBE, WARNING, ago, look, saw


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


def test_it_is_worse_as_soon_as_the_service_matters_more(service):
    web = service(criticality="low")
    saw(web, PASS, FAIL, FAIL)
    Service.objects.update(criticality="critical")
    saw(web, FAIL, FAIL)
    [alert] = Alert.objects.all()
    assert (alert.severity, alert.count) == ("critical", 2)
    Service.objects.update(criticality="low")
    saw(web, FAIL)
    [alert] = Alert.objects.all()
    assert (alert.severity, alert.count) == ("critical", 2)


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


class TestUnderMaintenance:
    @pytest.fixture
    def window(self, service) -> MaintenanceWindow:
        saw(service())
        return operations.schedule(
            name="web", ends_at=timedelta(hours=1), reason="new disks", actor=SYSTEM
        )

    def test_it_raises_none_until_that_is_over(self, window):
        web = window.service
        saw(web, FAIL, FAIL, FAIL)
        assert unresolved() == []
        operations.end(name="web", window_id=window.pk, actor=SYSTEM)
        saw(web, FAIL)
        assert unresolved() == ["service.web"]
        saw(web, FAIL)
        assert Alert.objects.get().count == 1

    def test_what_fails_without_change_costs_one_statement_more(
        self, window, django_assert_num_queries
    ):
        saw(window.service, FAIL, FAIL)
        with django_assert_num_queries(4):
            results.write([look(window.service, FAIL)])

    def test_the_one_there_was_is_resolved_by_success(self, service):
        web = service()
        saw(web, FAIL)
        operations.schedule(
            name="web", ends_at=timedelta(hours=1), reason="new disks", actor=SYSTEM
        )
        saw(web, PASS)
        assert unresolved() == []


class TestCauses:
    """A database that five services need."""

    @pytest.fixture
    def five(self, service) -> list[Service]:
        service("database")
        made = [service(f"web-{number}", needs=("database",)) for number in range(5)]
        results.write([look(each, at=ago(seconds=20)) for each in Service.objects.all()])
        return made

    @pytest.mark.parametrize("database_first", [True, False])
    def test_those_that_fail_because_of_it_are_grouped_under_it(self, five, database_first):
        database = Service.objects.get(name="database")
        order = [database, *five] if database_first else [*five, database]
        for each in order:
            saw(each, FAIL, FAIL)
        [root] = Alert.objects.filter(cause=None)
        assert root.fingerprint == "service.database"
        assert Alert.objects.filter(cause=root).count() == 5
        for each in order[::-1]:
            saw(each, PASS)
        assert unresolved() == []
        assert not HealthPeriod.objects.filter(ended_at=None).exclude(health="healthy").exists()

    def test_in_one_batch_as_well(self, five):
        for seconds in (5, 4):
            results.write(
                [look(each, FAIL, at=ago(seconds=seconds)) for each in Service.objects.all()]
            )
        assert Alert.objects.filter(cause__fingerprint="service.database").count() == 5

    def test_what_fails_still_when_the_cause_is_over_stands_for_itself(self, five):
        database = Service.objects.get(name="database")
        for each in (database, *five):
            saw(each, FAIL, FAIL)
        saw(database, PASS)
        assert Alert.objects.filter(cause=None, resolved_at=None).count() == 5

    def test_a_process_that_is_killed_before_it_grouped_them_leaves_that_to_others(
        self, five, monkeypatch
    ):
        with monkeypatch.context() as killed:
            killed.setattr(results.causes, "regroup", lambda: None)
            for each in (Service.objects.get(name="database"), *five):
                saw(each, FAIL, FAIL)
        assert Alert.objects.filter(cause=None).count() == 6
        catch_up()
        assert Alert.objects.filter(cause=None).count() == 1


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
