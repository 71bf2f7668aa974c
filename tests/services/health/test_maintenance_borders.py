"""Where windows open and close the history is parted, whoever comes by, and when."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from itertools import pairwise

import psycopg
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.processes import loops
from services.health.maintenance import borders
from services.health.maintenance.borders import covers, pass_borders, settle
from services.health.models import HealthPeriod, MaintenanceWindow
from services.models import Service, State
from tests.processes.spawning import database_url
from tests.services.health.conftest import ago

pytestmark = pytest.mark.django_db


def window(service: Service, start: datetime, end: datetime) -> None:
    MaintenanceWindow.objects.create(service=service, starts_at=start, ends_at=end, reason="-")


def period(service: Service, *, since: datetime, health: str = "healthy", excused: bool = False):
    return HealthPeriod.objects.create(
        service=service, health=health, started_at=since, excused=excused, reason="as seen"
    )


def history(service: Service) -> list[tuple[datetime, datetime | None, str, bool]]:
    return list(
        HealthPeriod.objects.filter(service=service)
        .order_by("started_at")
        .values_list("started_at", "ended_at", "health", "excused")
    )


def test_both_borders_are_passed_though_nothing_ran_meanwhile(service):
    web = service()
    began, start, end = ago(hours=9), ago(hours=5), ago(hours=3)
    period(web, since=began)
    window(web, start, end)
    pass_borders()
    expected = [
        (began, start, "healthy", False),
        (start, end, "healthy", True),
        (end, None, "healthy", False),
    ]
    assert history(web) == expected
    assert set(HealthPeriod.objects.values_list("reason", flat=True)) == {"as seen"}
    pass_borders()
    assert history(web) == expected


def test_a_border_ahead_waits(service):
    web = service()
    period(web, since=ago(hours=9))
    window(web, ago(hours=-1), ago(hours=-2))
    pass_borders()
    assert len(history(web)) == 1


def test_what_is_before_the_current_period_is_left_alone(service):
    web = service()
    HealthPeriod.objects.create(
        service=web, health="unhealthy", started_at=ago(hours=9), ended_at=ago(hours=4)
    )
    period(web, since=ago(hours=4))
    window(web, ago(hours=8), ago(hours=7))
    pass_borders()
    assert [excused for *_, excused in history(web)] == [False, False]


def test_overlapping_windows_excuse_until_the_last_ends(service):
    web = service()
    period(web, since=ago(hours=9))
    window(web, ago(hours=8), ago(hours=5))
    window(web, ago(hours=6), ago(hours=4))
    pass_borders()
    assert [excused for *_, excused in history(web)] == [False, True, True, True, False]
    with CaptureQueriesContext(connection) as captured:
        pass_borders()
    assert len(captured) == 1


def test_one_that_is_stopped_on_purpose_stays_excused_after_the_window(service):
    web = service(desired_state="stopped")
    State.objects.update(status="stopped")
    period(web, since=ago(hours=9), health="unknown", excused=True)
    window(web, ago(hours=5), ago(hours=3))
    pass_borders()
    assert [excused for *_, excused in history(web)] == [True, True, True]


def test_at_a_border_the_service_is_looked_at_at_once(service):
    web, other = service("web"), service("other")
    for each in (web, other):
        period(each, since=ago(hours=9))
    window(web, ago(hours=5), ago(minutes=1))
    State.objects.update(next_probe_at=timezone.now() + timedelta(hours=1))
    pass_borders()
    now = timezone.now()
    assert State.objects.get(service=web).next_probe_at <= now
    assert State.objects.get(service=other).next_probe_at > now


@pytest.mark.django_db(transaction=True)
def test_the_lookers_are_woken(service):
    web = service()
    period(web, since=ago(hours=9))
    window(web, ago(hours=5), ago(minutes=1))
    with psycopg.connect(database_url(), autocommit=True) as listener:
        listener.execute('LISTEN "services.probing"')
        pass_borders()
        assert [each.channel for each in listener.notifies(timeout=5, stop_after=1)]


def test_it_is_a_loop_of_the_workers():
    loop = loops.registry.get("services.maintenance")
    assert (loop.turn, loop.roles, loop.seconds) == (pass_borders, {"worker"}, borders.SECONDS)


def test_a_change_of_health_and_the_loop_agree_on_any_windows(service):
    """Whoever passes a border, and however late, each moment is excused as the windows say."""
    generator = random.Random(3)
    beginning = ago(days=4).replace(microsecond=0)
    for number in range(12):
        web = service(f"web{number}")
        minutes = sorted(generator.sample(range(1, 3000), 12))
        windows = []
        for _ in range(generator.randint(0, 6)):
            start = generator.randint(0, 2800)
            windows.append((start, start + generator.randint(1, 600)))
        moments = [
            tuple(beginning + timedelta(minutes=minute) for minute in each) for each in windows
        ]
        for start, end in moments:
            window(web, start, end)
        period(web, since=beginning, excused=covers(moments, beginning))
        for minute in minutes:
            at = beginning + timedelta(minutes=minute)
            settle(web.pk, until=at)
            if generator.random() < 0.5:  # a change of health, as services.health.periods does
                current = HealthPeriod.objects.get(service=web, ended_at=None)
                if current.started_at < at:
                    HealthPeriod.objects.filter(pk=current.pk).update(ended_at=at)
                    health = generator.choice(["healthy", "unhealthy"])
                    period(web, since=at, health=health, excused=covers(moments, at))
        settle(web.pk, until=beginning + timedelta(minutes=3500))
        found = history(web)
        assert all(one[1] == next_[0] for one, next_ in pairwise(found))
        for minute in range(0, 3500, 7):
            at = beginning + timedelta(minutes=minute, seconds=30)
            [excused] = [
                each[3] for each in found if each[0] <= at and not (each[1] and each[1] <= at)
            ]
            assert excused == covers(moments, at), (number, minute)
