"""What looks make of a service: thresholds, quick confirmation, what status follows from what."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from core.access.actor import SYSTEM
from core.events.operations import publish
from services.health import results
from services.models import HealthPeriod, Service, State
from services.probes.base import Status
from tasks.models import Task
from tests.services.health.conftest import FAIL, PASS, WARNING, ago, look, saw

THREE = {"failure_threshold": 3, "success_threshold": 2}


@pytest.mark.parametrize(
    ("outcome", "health", "status"),
    [
        (PASS, "healthy", "running"),
        (WARNING, "degraded", "running"),
        (FAIL, "unhealthy", "failed"),
    ],
)
def test_the_first_look_decides(service, outcome, health, status):
    state = saw(service(probe=THREE), outcome)
    assert (state.health, state.status) == (health, status)
    assert state.since == state.status_since == state.probed_at


@pytest.mark.parametrize(
    ("outcomes", "health"),
    [
        ([PASS, FAIL, FAIL], "healthy"),
        ([PASS, FAIL, FAIL, FAIL], "unhealthy"),
        ([PASS, FAIL, FAIL, PASS, FAIL, FAIL], "healthy"),
        ([WARNING, FAIL, FAIL], "degraded"),
        ([PASS, WARNING], "degraded"),
        ([WARNING, PASS], "healthy"),
        ([FAIL, PASS], "unhealthy"),
        ([FAIL, WARNING, PASS], "healthy"),
        ([FAIL, PASS, WARNING], "degraded"),
        ([FAIL, PASS, FAIL, PASS], "unhealthy"),
    ],
)
def test_it_takes_some_looks_in_a_row_to_believe_a_failure_and_its_end(service, outcomes, health):
    assert saw(service(probe=THREE), *outcomes).health == health


def test_until_a_failure_is_believed_its_reason_is_told_and_the_status_stays(service):
    state = saw(service(), PASS, FAIL)
    assert (state.health, state.status) == ("healthy", "running")
    assert (state.reason, state.failures_in_a_row) == ("connection refused", 1)


def test_until_the_end_of_a_failure_is_believed_it_says_how_far_it_is(service):
    state = saw(service(probe=THREE), FAIL, PASS)
    assert (state.health, state.successes_in_a_row) == ("unhealthy", 1)
    assert state.reason == "It answers again: 1 of 2 good looks in a row."


def test_the_health_is_since_the_look_that_was_believed(service):
    web = service()
    saw(web)
    moments = [ago(seconds=seconds) for seconds in (3, 2, 1)]
    State.objects.update(probed_at=ago(seconds=9), since=ago(seconds=9))
    results.write([look(web, FAIL, at=each) for each in moments])
    assert State.objects.get().since == moments[1]


class TestStatus:
    def test_what_the_probe_says_of_it_counts_at_once(self, service):
        web = service()
        assert saw(web, PASS, status=Status.STARTING).status == "starting"
        assert saw(web, FAIL, status=Status.STOPPED).status == "stopped"

    def test_a_look_that_came_late_says_nothing_of_it_until_it_is_believed(self, service):
        web = service()
        assert saw(web, PASS, FAIL, status=Status.UNKNOWN).status == "unknown"
        saw(web, PASS)
        assert saw(web, FAIL, status=Status.UNKNOWN).status == "running"
        assert saw(web, FAIL, status=Status.UNKNOWN).status == "unknown"

    def test_another_status_alone_leaves_the_time_of_the_health(self, service):
        web = service()
        first = saw(web, PASS, status=Status.STARTING)
        then = saw(web, PASS, status=Status.RUNNING)
        assert (then.since, then.status_since) == (first.since, then.probed_at)


class TestConfirmation:
    """A failure is looked at again soon, for nobody should wait long for what lasts."""

    @pytest.mark.parametrize(("interval", "within"), [(30, 5), (3600, 5), (2, 2)])
    def test_a_failed_look_is_repeated_soon(self, service, interval, within):
        web = service(probe={"interval": interval})
        saw(web)
        State.objects.update(next_probe_at=timezone.now() + timedelta(seconds=interval))
        left = saw(web, FAIL).next_probe_at - timezone.now()
        assert timedelta(seconds=within - 1) < left <= timedelta(seconds=within)

    def test_a_look_that_is_due_sooner_stays_so(self, service):
        web = service()
        saw(web)
        due = timezone.now() + timedelta(seconds=1)
        State.objects.update(next_probe_at=due)
        assert saw(web, FAIL).next_probe_at == due

    def test_what_is_believed_is_looked_at_at_its_usual_pace(self, service):
        web = service()
        due = timezone.now() + timedelta(seconds=30)
        State.objects.update(next_probe_at=due)
        assert saw(web, FAIL).next_probe_at == due
        assert saw(web, PASS, PASS).next_probe_at == due


class TestStoppedOnPurpose:
    @pytest.fixture
    def stopped(self, service) -> Service:
        web = service()
        saw(web)
        Service.objects.filter(pk=web.pk).update(desired_state="stopped")
        return web

    def test_it_is_stopped_and_nothing_is_wrong(self, stopped):
        state = saw(stopped, FAIL)
        assert (state.status, state.health) == ("stopped", "unknown")
        assert (state.failures_in_a_row, state.reason) == (0, "Stopped on purpose.")

    def test_it_says_who_stopped_it(self, stopped):
        publish("service.stopped", subject="web", payload={}, actor=str(SYSTEM))
        for _ in range(2):
            assert saw(stopped, FAIL).reason == "Stopped by system:nexus."

    def test_while_it_is_being_stopped_it_says_by_whom_whatever_was_before(
        self, stopped, acted_upon
    ):
        publish("service.stopped", subject="web", payload={}, actor="user:ada")
        saw(stopped, FAIL)
        task = acted_upon(stopped, status="running")
        Task.objects.filter(pk=task.pk).update(actor_kind="user", actor_name="grace")
        saw(stopped, PASS)
        state = saw(stopped, FAIL)
        assert (state.reason, state.status) == ("Stopped by user:grace.", "running")

    def test_one_that_nobody_could_see_before_says_so_too(self, service):
        web = service(desired_state="stopped")
        State.objects.update(status="stopped")
        assert saw(web, FAIL).reason == "Stopped on purpose."
        assert HealthPeriod.objects.get(service=web, ended_at=None).excused

    def test_what_was_said_when_it_was_stopped_stays(self, stopped):
        State.objects.update(reason="Stopped by ada: moving the disks.")
        assert saw(stopped, FAIL, FAIL).reason == "Stopped by ada: moving the disks."

    def test_while_it_still_runs_it_is_as_it_looks(self, stopped):
        assert saw(stopped, PASS).status == "running"
        assert saw(stopped, WARNING).health == "degraded"

    def test_wanted_again_the_first_look_decides(self, stopped):
        saw(stopped, FAIL)
        Service.objects.update(desired_state="running")
        assert saw(stopped, FAIL).health == "unhealthy"


class TestNobodyLooked:
    """After three intervals and ten seconds nobody knows how it is."""

    def test_after_that_the_first_look_decides(self, service):
        web = service(probe=THREE)
        saw(web)
        State.objects.update(probed_at=ago(seconds=101))
        assert saw(web, FAIL).health == "unhealthy"

    def test_before_that_it_is_as_it_was(self, service):
        web = service(probe=THREE)
        saw(web)
        State.objects.update(probed_at=ago(seconds=99))
        assert saw(web, FAIL).health == "healthy"

    def test_looks_before_it_are_not_in_a_row_with_those_after_it(self, service):
        web = service(probe=THREE)
        saw(web, PASS, FAIL, FAIL)
        State.objects.update(probed_at=ago(seconds=101))
        assert saw(web, PASS).successes_in_a_row == 1
        assert saw(web, FAIL).failures_in_a_row == 1

    def test_the_time_before_another_definition_does_not_count(self, service):
        """From once a day to every 30 seconds: nothing was missed."""
        web = service(probe=THREE)
        saw(web)
        State.objects.update(probed_at=ago(hours=20))
        Service.objects.update(changed_at=ago(seconds=30))
        assert saw(web, FAIL).health == "healthy"
