"""Alerts of services that are down because of another are grouped under its alert."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.access.actor import SYSTEM
from core.alerts.models import Alert
from core.alerts.operations import raise_alert, resolve
from core.health import parts
from core.health.parts import Part, Sight
from core.processes import loops
from services.health import causes
from services.health.causes import SECONDS, catch_up
from services.models import Dependency, Service
from tests.services.health.team import CHAIN, DIAMOND, FIVE, because, grouped, unresolved

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("order", ["the cause first", "the cause last", "between"])
def test_five_that_need_one_are_grouped_under_it_whatever_is_noticed_first(team, order):
    names = [name for name in FIVE if name != "db"]
    names.insert({"the cause first": 0, "the cause last": 5, "between": 2}[order], "db")
    services = team(FIVE)
    services.fail(*names)
    assert grouped() == {f"web{number}": "db" for number in range(5)}
    assert Alert.objects.filter(resolved_at=None, cause=None).count() == 1


def test_when_the_cause_recovers_first_the_others_stand_for_themselves(team):
    services = team(FIVE)
    services.fail(*FIVE)
    services.recover("db")
    assert grouped() == {}
    assert unresolved() == {f"web{number}" for number in range(5)}
    services.recover("web0")
    assert grouped() == {}


def test_when_it_recovers_last_nothing_is_left(team):
    services = team(FIVE)
    services.fail(*FIVE)
    services.recover("web3", "web1")
    assert grouped() == {"web0": "db", "web2": "db", "web4": "db"}
    services.recover("web0", "web2", "web4", "db")
    assert unresolved() == set()


@pytest.mark.parametrize("order", [CHAIN, reversed(CHAIN)], ids=["down", "up"])
def test_a_chain_is_grouped_under_its_end(team, order):
    services = team(CHAIN)
    services.fail(*order)
    assert grouped() == {"api": "db", "web": "db", "page": "db"}
    services.recover("api")
    assert grouped() == {"page": "web"}
    services.fail("api")
    assert grouped() == {"api": "db", "web": "db", "page": "db"}


def test_a_diamond_has_one_cause(team):
    services = team(DIAMOND)
    services.fail("web", "right", "left", "db")
    assert grouped() == {"left": "db", "right": "db", "web": "db"}


def test_of_two_causes_the_one_that_came_first_counts(team):
    services = team({"queue": (), "db": (), "web": ("queue", "db")})
    services.fail("db", "web", "queue")
    assert grouped() == {"web": "db"}
    services.recover("db")
    assert grouped() == {"web": "queue"}
    services.fail("db")
    assert grouped() == {"web": "queue"}


def test_a_healthy_dependency_between_them_parts_them(team):
    services = team(CHAIN)
    services.fail("db", "web")
    assert grouped() == {}


def test_another_dependency_counts_soon(team):
    services = team({"db": (), "web": ()})
    services.fail("db", "web")
    assert grouped() == {}
    Dependency.objects.create(
        service=Service.objects.get(name="web"), needs=Service.objects.get(name="db")
    )
    catch_up()
    assert grouped() == {"web": "db"}
    Dependency.objects.all().delete()
    catch_up()
    assert grouped() == {}


def test_without_alerts_it_asks_little(team):
    team(CHAIN)
    with CaptureQueriesContext(connection) as captured:
        catch_up()
    assert len(captured) == 1


def test_it_is_a_loop_of_the_workers():
    loop = loops.registry.get("services.causes")
    assert (loop.turn, loop.roles, loop.seconds) == (catch_up, {"worker"}, SECONDS)


def test_other_alerts_of_a_service_are_no_part_of_it(team):
    services = team({"db": (), "web": ("db",)})
    services.fail("db")
    for fingerprint, source in (("service.web.slo", "services"), ("service.web", "other")):
        raise_alert(fingerprint=fingerprint, source=source, severity="info", title="-", message="")
    causes.regroup()
    assert grouped() == {}


class TestACauseWithoutAnAlert:
    def test_what_was_stopped_on_purpose_is_told_in_words(self, team):
        services = team(CHAIN)
        services.stop("db")
        services.fail("api", "web")
        assert grouped() == {}
        assert (
            because("api") == because("web") == "It depends on db, which was stopped by user:ada."
        )

    def test_the_words_come_when_it_is_stopped_later_and_go_when_it_is_back(self, team):
        services = team({"db": (), "web": ("db",)})
        services.fail("web")
        assert because("web") == ""
        services.stop("db")
        assert "stopped by user:ada" in because("web")
        services.recover("db")
        assert because("web") == ""

    def test_what_it_needed_itself_is_no_cause_of_others(self, team):
        services = team({"db": (), "api": ("db",), "web": ("api",)})
        services.fail("db")
        services.stop("api")
        services.fail("web")
        assert grouped() == {}
        assert "depends on api" in because("web")

    def test_one_that_nobody_is_told_of_is_told_in_words(self, team):
        services = team({"db": (), "web": ("db",)})
        services.turn("db", "unhealthy", told=False)
        services.fail("web")
        assert grouped() == {}
        assert because("web") == "It depends on db, which is unhealthy. It is unhealthy."

    def test_one_that_a_person_resolved_is_no_cause(self, team):
        services = team(FIVE)
        services.fail(*FIVE)
        resolve(alert_id=Alert.objects.get(fingerprint="service.db").pk, actor=SYSTEM)
        assert grouped() == {}
        services.fail("web0")
        assert grouped() == {}


class Database(Part):
    alert = "health.database"

    def look(self) -> Sight:
        return Sight("healthy")

    def restart(self, progress, *, since) -> None:
        progress.info("restarted")


@pytest.fixture
def database_parts():
    """Two parts of the instance that share an alert which others raise."""
    for name in ("adapter", "pool"):
        parts.register(name, type="Database", description="")(type(name, (Database,), {}))
    yield
    for name in ("adapter", "pool"):
        parts.registry.remove(name)


def test_an_alert_that_others_raise_groups_as_soon_as_it_is_there(team, database_parts):
    services = team({"adapter": (), "pool": ("adapter",), "web": ("pool",)})
    for name in ("web", "pool", "adapter"):
        services.turn(name, "unhealthy", told=name == "web")
    assert grouped() == {}
    assert "depends on adapter" in because("web")
    given = {"source": "health", "severity": "critical", "title": "Database", "message": ""}
    raise_alert(fingerprint="health.database", **given)
    catch_up()
    assert grouped() == {"web": "health.database"}
    services.recover("adapter")
    assert grouped() == {"web": "health.database"}
