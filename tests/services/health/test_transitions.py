"""Changes of health and status: told once, to everybody whom they concern."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import psycopg
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.events.models import Event
from services.health import results, transitions
from services.models import ErrorGroup, HealthPeriod, Service, State
from services.probes.base import Status
from services.registry import waking
from tests.services.health.conftest import FAIL, PASS, ago, look, saw


def told(name: str) -> list[dict]:
    return list(
        Event.objects.filter(name=name)
        .order_by("created_at", "id")
        .values_list("payload", flat=True)
    )


class TestCost:
    def statements(self, looks) -> int:
        with CaptureQueriesContext(connection) as statements:
            results.write(looks)
        return len(statements)

    def test_many_first_looks_cost_as_many_statements_as_one(self, service):
        made = [service(f"web-{number}") for number in range(31)]
        assert self.statements([look(each) for each in made[:30]]) == self.statements(
            [look(made[30])]
        )

    def test_so_do_those_that_are_stopped_together(self, service):
        made = [service(f"web-{number}") for number in range(31)]
        results.write([look(each, at=ago(seconds=30)) for each in made])
        Service.objects.update(desired_state="stopped")
        State.objects.update(reason="Stopped by user:ada.")
        many = self.statements([look(each, FAIL) for each in made[:30]])
        assert many == self.statements([look(made[30], FAIL)]) < 30


class TestEvents:
    def test_another_health_is_told_with_the_former_and_the_reason(self, service):
        web = service()
        saw(web)
        state = saw(web, FAIL, FAIL, FAIL)
        first, then = told("service.health_changed")
        assert (first["previous"], first["health"], first["reason"]) == ("unknown", "healthy", None)
        assert then.pop("at")[:19] == state.since.isoformat()[:19]
        assert then == {
            "service": "web", "health": "unhealthy", "previous": "healthy",
            "status": "failed", "reason": "connection refused",
        }  # fmt: skip
        assert Event.objects.filter(name="service.health_changed", subject="web").count() == 2

    def test_another_status_is_told_apart(self, service):
        web = service()
        for each in (Status.STARTING, Status.STARTING, Status.RUNNING):
            saw(web, PASS, status=each)
        assert [
            (each["previous"], each["status"]) for each in told("service.status_changed")
        ] == [("unknown", "starting"), ("starting", "running")]  # fmt: skip
        assert len(told("service.health_changed")) == 1

    def test_after_nobody_looked_the_same_health_is_no_news(self, service):
        web = service()
        saw(web)
        State.objects.update(probed_at=ago(minutes=5))
        saw(web)
        assert len(told("service.health_changed")) == 1


class TestNeighbours:
    """cache ← api ← web, and shop on its own; api ← jobs."""

    @pytest.fixture
    def due_later(self, service) -> dict[str, Service]:
        made = {"cache": service("cache"), "shop": service("shop")}
        made["api"] = service("api", needs=("cache",))
        made["web"] = service("web", needs=("api",))
        made["jobs"] = service("jobs", needs=("api",))
        results.write([look(each, at=ago(seconds=9)) for each in made.values()])
        State.objects.update(next_probe_at=timezone.now() + timedelta(seconds=60))
        return made

    def due(self) -> set[str]:
        soon = timezone.now() + timedelta(seconds=1)
        return set(
            State.objects.filter(next_probe_at__lt=soon).values_list("service__name", flat=True)
        )

    def test_when_it_fails_what_it_needs_and_what_needs_it_are_looked_at(self, due_later):
        saw(due_later["api"], FAIL)
        assert self.due() == set()
        saw(due_later["api"], FAIL)
        assert self.due() == {"cache", "web", "jobs"}

    def test_also_those_that_are_further_away(self, due_later):
        saw(due_later["cache"], FAIL, FAIL)
        assert self.due() == {"api", "web", "jobs"}

    def test_when_it_recovers_what_needs_it_is_looked_at(self, due_later):
        saw(due_later["api"], FAIL, FAIL)
        State.objects.update(next_probe_at=timezone.now() + timedelta(seconds=60))
        saw(due_later["api"], PASS)
        assert self.due() == {"web", "jobs"}

    def test_one_that_has_been_looked_at_since_is_not_again(self, due_later):
        """Or many that fail together would look at each other without end."""
        failed = [look(due_later["api"], FAIL, at=ago(seconds=each)) for each in (4, 3)]
        saw(due_later["web"])
        results.write(failed)
        assert self.due() == {"cache", "jobs"}

    def test_a_group_that_fails_together_asks_for_its_neighbours_once(self, due_later):
        early, late = (
            [look(each, FAIL, at=ago(seconds=seconds)) for each in due_later.values()]
            for seconds in (4, 3)
        )
        results.write(early)
        with CaptureQueriesContext(connection) as statements:
            results.write(late)
        asked = [each["sql"] for each in statements if "services_dependency" in each["sql"]]
        assert len(asked) == 2  # for the causes, and for the neighbours

    @pytest.mark.django_db(transaction=True)
    def test_those_who_look_are_woken(self, due_later):
        parameters = connection.get_connection_params()
        wanted = {key: parameters[key] for key in ("host", "port", "user", "password", "dbname")}
        with psycopg.connect(**wanted, autocommit=True) as listener:
            listener.execute(f'LISTEN "{waking.CHANNEL}"')
            saw(due_later["shop"], FAIL, FAIL)
            assert list(listener.notifies(timeout=0.1, stop_after=1)) == []
            saw(due_later["api"], FAIL, FAIL)
            assert len(list(listener.notifies(timeout=5, stop_after=1))) == 1


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_processes_that_see_the_same_change_tell_it_once(self, service):
        made = [service(f"web-{number}") for number in range(6)]
        results.write([look(each, at=ago(seconds=30)) for each in made])
        first, second = (
            [look(each, FAIL, at=ago(seconds=seconds)) for each in made] for seconds in (20, 10)
        )

        def write(turned_round: bool) -> None:
            for batch in (first, second):
                results.write(batch[::-1] if turned_round else batch)
            connection.close()

        with ThreadPoolExecutor(4) as pool:
            for each in [pool.submit(write, bool(number % 2)) for number in range(4)]:
                each.result()
        events = Event.objects.filter(name="service.health_changed", payload__health="unhealthy")
        assert sorted(events.values_list("subject", flat=True)) == [each.name for each in made]
        assert HealthPeriod.objects.filter(ended_at=None).count() == 6

    def test_what_fails_half_way_has_changed_nothing_and_can_be_given_again(
        self, service, monkeypatch
    ):
        web = service()
        saw(web)
        batch = [look(web, FAIL, at=ago(seconds=seconds)) for seconds in (0.02, 0.01)]
        State.objects.update(probed_at=ago(seconds=9))

        def refuse(*args, **kwargs):
            raise ConnectionError

        with monkeypatch.context() as patch:
            patch.setattr(transitions.alerts, "tell", refuse)
            with pytest.raises(ConnectionError):
                results.write(batch)
        state = State.objects.get()
        assert (state.health, state.failures_in_a_row) == ("healthy", 1)
        results.write(batch)
        assert State.objects.get().health == "unhealthy"
        assert ErrorGroup.objects.get().count == 2
        assert len(told("service.health_changed")) == 2
