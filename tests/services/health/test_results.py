"""Writing what probes saw: in batches, at the cost of a few statements, whatever is in them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from math import inf, nan

import pytest
from django.db import connection
from django.utils import timezone

from services.health import results
from services.models import ErrorGroup, HealthPeriod, Service, State
from services.probes.base import Status
from tests.services.health.conftest import FAIL, PASS, WARNING, ago, look, saw


@pytest.fixture
def services(service) -> list[Service]:
    """Thirty that are healthy."""
    made = [service(f"web-{number}") for number in range(30)]
    results.write([look(each, at=ago(seconds=30)) for each in made])
    return made


def test_a_look_is_noted_with_all_it_saw(service):
    web = service()
    began = ago(seconds=3)
    state = saw(
        web, at=ago(seconds=1), version="1.4", started_at=began, requests_handled=7,
        latency_ms=12.5, figures={"connections": 3},
    )  # fmt: skip
    assert (state.version, state.started_at, state.requests_handled) == ("1.4", began, 7)
    assert (state.latency_ms, state.figures) == (12.5, {"connections": 3})
    assert state.probed_at is not None
    assert state.probed_at >= began


def test_without_a_latency_of_its_own_it_is_how_long_the_look_took(service):
    results.write([look(service(), seconds=0.25)])
    assert State.objects.get().latency_ms == 250


def test_a_failed_look_keeps_what_it_could_not_see(service):
    web = service()
    began = ago(hours=1)
    saw(web, PASS, version="1.4", started_at=began, requests_handled=7, figures={"queue": 1})
    state = saw(web, FAIL, figures={"answered": False})
    assert (state.version, state.started_at, state.requests_handled) == ("1.4", began, 7)
    assert (state.figures, state.reason) == ({"answered": False}, "connection refused")


def test_the_claim_ends_with_the_look(service):
    web = service()
    for _ in range(2):  # with a change and without
        State.objects.update(claimed_by=web.pk, claimed_until=timezone.now() + timedelta(minutes=1))
        state = saw(web)
        assert (state.claimed_by, state.claimed_until) == (None, None)


class TestCost:
    def test_looks_that_change_nothing_cost_two_statements(
        self, services, django_assert_num_queries
    ):
        with django_assert_num_queries(2):
            results.write([look(each) for each in services])

    def test_failing_ones_among_them_cost_one_more(self, services, django_assert_num_queries):
        results.write([look(each, FAIL, at=ago(seconds=20)) for each in services[:9]])
        results.write([look(each, FAIL, at=ago(seconds=10)) for each in services[:9]])
        with django_assert_num_queries(3):
            results.write([look(each, FAIL if each in services[:9] else PASS) for each in services])
        assert ErrorGroup.objects.count() == 9

    def test_nothing_costs_nothing(self, db, django_assert_num_queries):
        with django_assert_num_queries(0):
            results.write([])


class TestOrder:
    def test_a_result_that_comes_twice_counts_once(self, service):
        web = service()
        saw(web)
        once = look(web, FAIL)
        for _ in range(3):
            results.write([once])
        assert (State.objects.get().failures_in_a_row, ErrorGroup.objects.get().count) == (1, 1)

    def test_an_older_result_changes_nothing(self, service):
        web = service()
        saw(web)
        results.write([look(web, FAIL, at=ago(seconds=1), version="0")])
        state = State.objects.get()
        assert (state.failures_in_a_row, state.reason, state.version) == (0, "", "")
        assert not ErrorGroup.objects.exists()

    def test_of_several_results_in_one_batch_every_one_counts_in_its_order(self, service):
        web = service()
        saw(web, at=ago(seconds=10))
        moments = [ago(seconds=seconds) for seconds in (1, 3, 2)]
        results.write([look(web, FAIL, at=each) for each in moments])
        state = State.objects.get()
        assert (state.health, state.failures_in_a_row) == ("unhealthy", 3)
        assert ErrorGroup.objects.get().count == 3
        assert HealthPeriod.objects.get(ended_at=None).started_at == sorted(moments)[1]

    def test_a_clock_that_is_ahead_does_not_keep_others_from_being_believed(self, service):
        web = service()
        results.write([look(web, at=timezone.now() + timedelta(hours=1))])
        assert saw(web, FAIL, FAIL).health == "unhealthy"

    def test_what_is_gone_by_now_is_passed_over(self, service):
        gone, web = service("gone"), service()
        seen = [look(gone, FAIL), look(web)]
        Service.objects.filter(pk=gone.pk).delete()
        results.write(seen)
        assert State.objects.get().health == "healthy"


class TestHostile:
    """A probe hands on what a service says of itself, and that may be anything."""

    def test_what_can_not_be_stored_is_made_storable(self, service):
        web = service()
        state = saw(
            web, FAIL, reason="a\0b\ud800" + "c" * 5000, version="v" * 500,
            figures={"text\0": "a\0"}, requests_handled=2**64, latency_ms=nan,
            started_at=datetime(2026, 1, 1),
        )  # fmt: skip
        assert state.reason.startswith("a\N{REPLACEMENT CHARACTER}b")
        assert (len(state.reason), len(state.version)) == (2000, 200)
        assert state.figures == {"text\N{REPLACEMENT CHARACTER}": "a\N{REPLACEMENT CHARACTER}"}
        assert (state.requests_handled, state.started_at, state.latency_ms) == (None, None, 20)
        assert len(ErrorGroup.objects.get().error) == 2000

    @pytest.mark.parametrize("latency", [-1.0, inf])
    def test_a_latency_that_is_none_is_left_out(self, service, latency):
        assert saw(service(), latency_ms=latency).latency_ms == 20

    def test_figures_without_end_are_left_out_and_say_so(self, service):
        endless: dict = {}
        endless["again"] = endless
        assert "omitted" in saw(service(), figures=endless).figures
        assert "omitted" in saw(service("b"), figures={"text": "x" * 100_000}).figures

    def test_one_bad_result_keeps_none_of_the_others_from_being_written(self, services):
        results.write(
            [look(each, WARNING, figures={"lone": "\ud800"}) for each in services[:1]]
            + [look(each, version="2") for each in services[1:]]
        )
        assert State.objects.filter(version="2").count() == 29

    def test_a_failure_without_a_reason_has_one(self, service):
        state = saw(service(), FAIL, reason=" ")
        assert state.reason == "The probe failed without saying why."


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_two_processes_that_write_the_same_batches_count_each_look_once(self, service):
        made = [service(f"web-{number}") for number in range(8)]
        results.write([look(each, at=ago(seconds=60)) for each in made])
        batches = [
            [look(each, FAIL, at=ago(seconds=50 - turn)) for each in made] for turn in range(10)
        ]

        def write(turned_round: bool) -> None:
            for batch in batches:
                results.write(batch[::-1] if turned_round else batch)
            connection.close()

        with ThreadPoolExecutor(4) as pool:
            for each in [pool.submit(write, turned_round=bool(n % 2)) for n in range(4)]:
                each.result()
        assert {each.failures_in_a_row for each in State.objects.all()} == {10}
        assert {each.count for each in ErrorGroup.objects.all()} == {10}
        assert HealthPeriod.objects.filter(health="unhealthy").count() == 8

    def test_a_look_judged_by_what_is_no_longer_so_is_judged_again(self, service, monkeypatch):
        """Between reading and writing, another process has written a failed look."""
        web = service()
        saw(web, at=ago(seconds=60))
        read = results.standing.read

        def overtaken(keys):
            found = read(keys)
            monkeypatch.setattr(results.standing, "read", read)
            results.write([look(web, FAIL, at=ago(seconds=20))])
            return found

        monkeypatch.setattr(results.standing, "read", overtaken)
        results.write([look(web, FAIL, at=ago(seconds=10))])
        state = State.objects.get()
        assert (state.health, state.failures_in_a_row) == ("unhealthy", 2)


def test_a_service_that_something_acts_upon_keeps_the_status_that_has(service, acted_upon):
    web = service()
    acted_upon(web, status="restarting")
    assert saw(web, FAIL, FAIL, FAIL).status == "restarting"
    assert saw(web, PASS, status=Status.RUNNING).status == "restarting"
