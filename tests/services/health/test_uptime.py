"""How much of a time services were up."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from services.health.models import HealthPeriod
from services.health.uptime import LENGTHS, MEASURE, Span, Uptime, daily, measure, uptime
from services.models import Service, State
from tests.services.health.histories import NOW, lived

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def percents(service: Service) -> dict[str, float | None]:
    return uptime([service.pk], now=NOW)[service.pk]


def test_degraded_is_up_and_unhealthy_is_not(service):
    web = service()
    lived(web, ("healthy", 10), ("degraded", 2), ("unhealthy", 6), ("healthy", 6))
    assert percents(web) == dict.fromkeys(LENGTHS, 75.0)


def test_each_length_sees_its_own_time(service):
    web = service()
    lived(web, ("unhealthy", 24 * 6), ("healthy", 24))
    found = percents(web)
    assert found["24h"] == 100.0
    assert found["7d"] == found["30d"] == found["90d"] == pytest.approx(100 / 7)


def test_what_is_unknown_or_excused_does_not_count(service):
    web = service()
    lived(web, ("unknown", 4), ("unhealthy!", 4), ("healthy!", 4), ("healthy", 9), ("unhealthy", 3))
    assert percents(web)["24h"] == 75.0


def test_nothing_known_is_none(service):
    never, new, silent = service("never"), service("new"), service("silent")
    lived(silent, ("unknown", 20), ("healthy!", 4))
    HealthPeriod.objects.create(service=new, health="healthy", started_at=NOW)
    for each in (never, new, silent):
        assert percents(each) == dict.fromkeys(LENGTHS)


def test_after_the_last_look_nobody_can_say(service):
    web = service()
    lived(web, ("healthy", 3), ("unhealthy", 1), until=NOW - 8 * HOUR)
    assert percents(web)["24h"] == 75.0
    State.objects.update(probed_at=None)
    assert percents(web)["24h"] == 100.0


def test_what_lies_ahead_of_the_time_asked_for_does_not_count(service):
    web = service()
    lived(web, ("healthy", 3), ("unhealthy", 5), until=NOW + 4 * HOUR)
    assert percents(web)["24h"] == 75.0


def test_many_services_are_one_query(service):
    several = [service(f"web{number}") for number in range(5)]
    for number, each in enumerate(several, 1):
        lived(each, ("healthy", number), ("unhealthy", 10 - number))
    with CaptureQueriesContext(connection) as captured:
        found = uptime([each.pk for each in several], now=NOW)
    assert len(captured) == 1
    assert [found[each.pk]["7d"] for each in several] == [10.0, 20.0, 30.0, 40.0, 50.0]
    assert uptime([], now=NOW) == {}


def brute_force(service: Service, start: datetime, end: datetime) -> dict[str, timedelta]:
    probed_at = State.objects.get(service=service).probed_at
    found = dict.fromkeys(("healthy", "degraded", "unhealthy"), timedelta())
    for period in HealthPeriod.objects.filter(service=service):
        if not period.excused and period.health in found:
            began = max(period.started_at, start)
            over = min(period.ended_at or probed_at, end)
            found[period.health] += max(over - began, timedelta())
    return found


def test_it_is_exact_whatever_the_history(service):
    generator = random.Random(7)
    for number in range(25):
        web = service(f"web{number}")
        kinds = ("healthy", "healthy", "degraded", "unhealthy", "unknown", "unhealthy!", "healthy!")
        pieces = [
            (generator.choice(kinds), generator.uniform(0.00001, 400))
            for _ in range(generator.randint(1, 20))
        ]
        lived(web, *pieces, until=NOW - HOUR * generator.uniform(-5, 50))
        spans = []
        for _ in range(20):
            start = NOW - HOUR * generator.uniform(0, 5000)
            spans.append(Span(web.pk, start, start + HOUR * generator.uniform(0, 3000)))
        for span, found in zip(spans, measure(spans), strict=True):
            expected = brute_force(web, span.start, span.end)
            for health, seconds in expected.items():
                assert getattr(found, health) == seconds.total_seconds(), (number, span)
            known = sum(expected.values(), timedelta())
            if not known:
                assert found.percent is None
            else:
                up = known - expected["unhealthy"]
                assert found.percent == pytest.approx(100 * (up / known), rel=1e-12)
                assert found.percent <= 100


def test_the_days_have_their_percentage_and_the_worst(service):
    web = service()
    # From 10 March 15:30 back: today healthy, yesterday partly down, before that half a day.
    lived(web, ("healthy", 12), ("degraded", 6), ("unhealthy", 6), ("healthy", 33.5))
    found = daily([web.pk], now=NOW, days=5)[web.pk]
    assert [str(each["date"]) for each in found] == [
        "2026-03-06", "2026-03-07", "2026-03-08", "2026-03-09", "2026-03-10",
    ]  # fmt: skip
    assert [each["worst"] for each in found] == [
        "unknown", "unknown", "degraded", "unhealthy", "healthy",
    ]  # fmt: skip
    assert [each["down_seconds"] for each in found] == [0, 0, 0, 6 * 3600, 0]
    assert [each["percent"] for each in found] == [None, None, 100.0, 75.0, 100.0]


def test_ninety_days_are_one_query(service):
    web = service()
    lived(web, ("unhealthy", 24 * 100), ("healthy", 24))
    with CaptureQueriesContext(connection) as captured:
        found = daily([web.pk], now=NOW)[web.pk]
    assert (len(captured), len(found)) == (1, 90)
    assert found[0]["worst"] == "unhealthy"


def test_the_days_are_what_their_spans_measure(service):
    seed = random.Random(7)
    made = [service(name) for name in ("web", "shop", "never")]
    kinds = ("healthy", "degraded", "unhealthy", "unknown", "healthy!")
    for each in made[:2]:
        pieces = [(seed.choice(kinds), seed.choice((0.2, 3, 24, 70))) for _ in range(60)]
        lived(each, *pieces, until=NOW - seed.choice((0, 30)) * HOUR)
    found = daily([each.pk for each in made], now=NOW, days=30)
    today = NOW.replace(hour=0, minute=0)
    for each in made:
        for back, day in enumerate(reversed(found[each.pk])):
            start = today - 24 * back * HOUR
            [span] = measure([Span(each.pk, start, min(start + 24 * HOUR, NOW))])
            assert day["percent"] == pytest.approx(span.percent)
            assert day["worst"] == span.worst
            assert day["down_seconds"] == pytest.approx(span.unhealthy)


def test_a_span_without_anything_is_empty():
    assert measure([]) == []
    assert Uptime().percent is None


def given(spans: list[Span]) -> dict[str, list]:
    return {
        "places": [*range(len(spans))],
        "services": [span.service_id for span in spans],
        "starts": [span.start for span in spans],
        "ends": [span.end for span in spans],
    }


def removed_rows(plan: dict) -> float:
    """That were read in vain."""
    own = sum(count for key, count in plan.items() if key.startswith("Rows Removed"))
    return own * plan["Actual Loops"] + sum(removed_rows(each) for each in plan.get("Plans", []))


def test_what_lies_before_a_span_is_not_read(service):
    """A service that was ill often has a long history, and there are many of them."""
    web = service()
    lived(web, *[("healthy", 0.5), ("unhealthy", 0.5)] * 2500)
    spans = [Span(web.pk, NOW - HOUR * (each + 1), NOW - HOUR * each) for each in range(24)]
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE services_healthperiod")
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {MEASURE}", given(spans))
        [[plan]] = cursor.fetchone()
    assert removed_rows(plan["Plan"]) < 500
    assert [each.percent for each in measure(spans)] == [50.0] * 24
