"""Reading how services are: what nobody has seen lately is unknown, whatever was stored."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from core.metrics.flushing import flush
from core.metrics.queries import points
from core.metrics.questions import question
from services.health import queries, results
from services.health.measuring import LATENCY
from services.health.queries import Measured, effective
from services.models import Service, State
from tasks.models import Status as TaskStatus
from tasks.models import Task
from tests.services.health.conftest import FAIL, PASS, ago, look, saw

NOW = timezone.now


def state() -> State:
    return State.objects.select_related("service", "acting").get()


class TestEffective:
    def test_what_was_seen_lately_is_as_it_was_seen(self, service):
        saw(service(), FAIL)
        found = effective(state())
        assert (found.health, found.status, found.reason) == (
            "unhealthy", "failed", "connection refused",
        )  # fmt: skip

    @pytest.mark.parametrize(("seconds", "health"), [(99, "healthy"), (101, "unknown")])
    def test_after_three_intervals_and_ten_seconds_it_is_unknown(self, service, seconds, health):
        seen = saw(service())
        later = seen.probed_at + timedelta(seconds=seconds)
        assert effective(state(), now=later).health == health

    def test_it_says_since_when_nobody_has_looked(self, service):
        seen = saw(service())
        found = effective(state(), now=seen.probed_at + timedelta(hours=1))
        since = f"{seen.probed_at:%Y-%m-%dT%H:%M:%S}Z"
        assert (found.status, found.reason) == ("unknown", f"Not looked at since {since}.")

    def test_one_with_a_new_definition_is_given_time(self, service):
        seen = saw(service())
        later = seen.probed_at + timedelta(hours=1)
        Service.objects.update(changed_at=later - timedelta(seconds=20))
        assert effective(state(), now=later).health == "healthy"

    def test_what_acts_upon_it_knows_its_status_all_the_same(self, service, acted_upon):
        web = service()
        later = saw(web).probed_at + timedelta(hours=1)
        task = acted_upon(web, status="restarting")
        assert effective(state(), now=later).status == "restarting"
        Task.objects.filter(pk=task.pk).update(status=TaskStatus.FAILED)
        assert effective(state(), now=later).status == "unknown"

    def test_one_that_is_new_says_so(self, service):
        service()
        found = effective(state())
        assert (found.health, found.status, found.reason) == ("unknown", "unknown", queries.NOT_YET)

    def test_it_asks_the_database_nothing(self, service, acted_upon, django_assert_num_queries):
        web = service()
        saw(web)
        acted_upon(web)
        found = state()
        with django_assert_num_queries(0):
            effective(found, now=NOW() + timedelta(hours=1))


class TestMeasured:
    def test_it_is_the_mean_and_the_share_that_failed(self, service):
        web, shop = service(), service("shop")
        for milliseconds in (10, 20, 30):
            saw(web, latency_ms=milliseconds)
        saw(web, FAIL, latency_ms=100)
        saw(shop, latency_ms=4)
        flush()
        found = queries.measured(["web", "shop", "new"])
        assert found["web"] == Measured(pytest.approx(40), 0.25, 4)
        assert found["shop"] == Measured(pytest.approx(4), 0.0, 1)
        assert found["new"] == Measured(None, None, 0)

    def test_it_costs_the_same_however_many_there_are(self, service, django_assert_num_queries):
        made = [service(f"web-{number}") for number in range(12)]
        results.write([look(each) for each in made])
        flush()
        for names in (["web-1"], [each.name for each in made]):
            with django_assert_num_queries(3):
                assert all(each.looks == 1 for each in queries.measured(names).values())
        with django_assert_num_queries(0):
            assert queries.measured([]) == {}

    def test_a_thousand_services_are_told_apart(self, service):
        made = [service(f"web-{number}") for number in range(2)]
        for number in range(1000):
            LATENCY.record(0.01, f"other-{number}")
        results.write([look(each, latency_ms=20) for each in made])
        flush()
        found = queries.measured(["web-0", "web-1"])
        assert [each.looks for each in found.values()] == [1, 1]

    def test_looks_that_come_twice_are_measured_once(self, service):
        once = look(service())
        for _ in range(2):
            results.write([once])
        flush()
        assert queries.measured(["web"])["web"].looks == 1

    def test_what_is_stopped_on_purpose_is_not_measured(self, service):
        saw(service(desired_state="stopped"), FAIL, FAIL)
        flush()
        assert queries.measured(["web"])["web"].looks == 0

    def test_the_same_can_be_asked_of_the_metrics_by_service(self, service):
        web, shop = service(), service("shop")
        saw(web, PASS, FAIL, latency_ms=50)
        saw(shop, PASS, latency_ms=20)
        flush()
        asked = question(
            names=["service_latency_ms", "service_error_percent"], group_by="service",
            start=ago(minutes=3), end=NOW() + timedelta(minutes=1),
        )  # fmt: skip
        found = points(
            series=asked.series, start=asked.start, end=asked.end,
            resolution=asked.resolution, group_by=asked.group_by,
        )  # fmt: skip
        told = {
            name: {each["group"]: each["value"] for each in values}
            for name, values in found.items()
        }
        assert told["service_latency_ms"] == pytest.approx({"web": 50, "shop": 20})
        assert told["service_error_percent"] == {"web": 50, "shop": 0}


class TestHistory:
    def test_it_is_cut_to_the_range_oldest_first(self, service):
        web = service()
        for seconds, outcome in ((900, PASS), (880, FAIL), (875, FAIL), (860, PASS), (840, PASS)):
            results.write([look(web, outcome, at=ago(seconds=seconds))])
        start, end = ago(seconds=890), ago(seconds=850)
        found = queries.history(service_id=web.pk, start=start, end=end)
        assert [each["health"] for each in found] == ["healthy", "unhealthy", "healthy"]
        assert (found[0]["started_at"], found[-1]["ended_at"]) == (start, None)
        assert [round(each["seconds"]) for each in found] == [15, 15, 10]

    def test_of_the_current_one_is_known_what_the_last_look_saw(self, service):
        web = service()
        results.write([look(web, at=ago(seconds=90))])
        results.write([look(web, at=ago(seconds=60))])
        [_, found] = queries.history(service_id=web.pk, start=ago(days=1), end=NOW())
        assert (found["ended_at"], round(found["seconds"])) == (None, 30)


def test_recent_errors_are_the_newest(service):
    web = service()
    for reason in ("connection refused", "connection reset", "connection refused"):
        saw(web, FAIL, reason=reason)
    first, second = queries.recent_errors(service_id=web.pk)
    assert (first["error"], first["count"]) == ("connection refused", 2)
    assert first["first_seen_at"] < second["timestamp"] < first["timestamp"]
    assert queries.recent_errors(service_id=web.pk, limit=1) == [first]
