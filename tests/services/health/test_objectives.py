"""Error budgets: what an objective allows, what is used of it, and who is told."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core import locks
from core.access.actor import SYSTEM
from core.alerts.models import Alert
from core.alerts.operations import resolve
from core.processes import loops
from services.health import objectives
from services.health.models import HealthPeriod
from services.health.objectives import budget, budgets, tell
from services.models import Service, State
from tests.processes.spawning import database_url
from tests.services.health.histories import lived

pytestmark = pytest.mark.django_db
SLO = {"target_percent": 99.0, "days": 30}
ALLOWED = 30 * 86_400 * 0.01  # 7.2 h


@pytest.fixture
def web(service) -> Service:
    return service(slo=SLO)


def went(service: Service, *pieces: tuple[str, float]) -> None:
    """Its whole history up to now, instead of the one before."""
    HealthPeriod.objects.filter(service=service).delete()
    lived(service, *pieces, until=timezone.now())


def alert() -> Alert:
    return Alert.objects.get(resolved_at=None)


def test_a_budget_is_what_the_objective_leaves(web):
    went(web, ("healthy", 100), ("unhealthy", 1.8), ("degraded", 30))
    found = budget(web, now=timezone.now()).document()
    assert found["target_percent"] == 99.0
    assert found["allowed_seconds"] == pytest.approx(ALLOWED)
    assert found["used_seconds"] == pytest.approx(1.8 * 3600)
    assert found["remaining_seconds"] == pytest.approx(ALLOWED * 0.75)
    assert found["remaining_percent"] == pytest.approx(75.0)
    assert found["burn_rate_1h"] == found["burn_rate_24h"] == 0.0


def test_the_burn_rate_is_how_many_times_too_fast_it_goes(web):
    went(web, ("healthy", 100), ("unhealthy", 0.5), ("healthy", 0.5))
    found = budget(web, now=timezone.now())
    assert found.burn_1h == pytest.approx(50.0, rel=1e-3)
    assert found.burn_24h == pytest.approx(50.0 / 24, rel=1e-3)


def test_what_is_excused_or_unknown_uses_nothing(web):
    went(web, ("unhealthy!", 100), ("unknown", 100))
    found = budget(web, now=timezone.now())
    assert (found.used, found.burn_1h, found.burn_24h) == (0.0, None, None)


def test_only_its_own_days_count(service):
    week = service("week", slo={"target_percent": 99.0, "days": 7})
    month = service("month", slo=SLO)
    plain = service("plain")
    for each in (week, month, plain):
        went(each, ("unhealthy", 3), ("healthy", 24 * 8))
    with CaptureQueriesContext(connection) as captured:
        found = budgets([week, month, plain], now=timezone.now())
    assert len(captured) == 1
    assert found.keys() == {week.pk, month.pk}
    assert found[week.pk].used == 0.0
    assert found[month.pk].used == pytest.approx(3 * 3600)
    assert budget(plain, now=timezone.now()) is None


def test_people_are_told_once_when_it_is_used_up(web):
    went(web, ("healthy", 100), ("unhealthy", 7.1))
    tell()
    assert not Alert.objects.exists()
    went(web, ("healthy", 100), ("unhealthy", 7.3))
    for _ in range(3):
        tell()
    told = alert()
    assert (told.fingerprint, told.severity, told.count) == ("service.web.slo", "warning", 1)
    assert "7 h 18 min" in told.message
    assert "99 % allows 7 h 12 min" in told.message
    assert told.details["remaining_seconds"] < 0


@pytest.mark.parametrize("how", ["the downtime is long ago", "the objective is gone"])
def test_it_is_resolved_when_there_is_some_again(web, how):
    went(web, ("unhealthy", 8), ("healthy", 100))
    tell()
    assert alert().resolved_at is None
    if how == "the objective is gone":
        Service.objects.update(slo=None)
    else:
        went(web, ("unhealthy", 8), ("healthy", 24 * 29.9))
    tell()
    assert Alert.objects.get().resolved_by == "source:services.objectives"


def test_one_that_a_person_resolved_comes_again_when_more_is_used(web):
    went(web, ("unhealthy", 8), ("healthy", 1))
    tell()
    resolve(alert_id=alert().pk, actor=SYSTEM)
    tell()
    assert not Alert.objects.filter(resolved_at=None).exists()
    Alert.objects.update(resolved_at=timezone.now() - timedelta(hours=2))
    went(web, ("unhealthy", 8), ("healthy", 1.5), ("unhealthy", 0.5))
    tell()
    assert alert().fingerprint == "service.web.slo"


@pytest.mark.django_db(transaction=True)
def test_one_worker_at_a_time_does_it(web):
    went(web, ("unhealthy", 8), ("healthy", 1))
    with psycopg.connect(database_url()) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", [locks._key("services.objectives")])
        tell()
        assert not Alert.objects.exists()
    tell()
    assert alert().count == 1


def test_without_any_objective_it_asks_little(service):
    service()
    with CaptureQueriesContext(connection) as captured:
        tell()
    statements = [each["sql"] for each in captured if "SAVEPOINT" not in each["sql"]]
    assert len(statements) == 3
    assert State.objects.count() == 1


def test_it_is_a_loop_of_the_workers():
    loop = loops.registry.get("services.objectives")
    assert (loop.turn, loop.roles, loop.seconds) == (tell, {"worker"}, objectives.SECONDS)
