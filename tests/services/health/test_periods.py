"""The history of a service's health has no gap, whatever comes in whatever order."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

import pytest
from django.db import connection
from django.utils import timezone

from core.health.checks import Outcome
from services.health import results
from services.health.maintenance import borders
from services.health.results import Result
from services.models import HealthPeriod, MaintenanceWindow, Service, State
from tests.services.health.conftest import FAIL, PASS, WARNING, ago, look, saw

INTERVAL = 30
PATIENCE = timedelta(seconds=3 * INTERVAL + 10)
FAILURES, SUCCESSES = 2, 2
PROBE = {"interval": INTERVAL, "failure_threshold": FAILURES, "success_threshold": SUCCESSES}
HEALTH = {PASS: "healthy", WARNING: "degraded", FAIL: "unhealthy"}


@dataclass
class Model:
    """How it should be, said as plainly as possible."""

    since: datetime
    last: datetime | None = None
    health: str = "unknown"
    in_a_row: tuple[bool, int] = (False, 0)

    def __post_init__(self) -> None:
        self.timeline = [(self.since, "unknown")]

    def see(self, result: Result) -> None:
        at, outcome = result.began_at, result.observation.outcome
        if self.last is not None and at <= self.last:
            return
        if self.last is not None and at - self.last > PATIENCE:
            self.turn(self.last, "unknown")
            self.in_a_row = (False, 0)
        failed = outcome is FAIL
        same, number = self.in_a_row
        number = number + 1 if same == failed else 1
        self.in_a_row, self.last = (failed, number), at
        if self.health == "unknown" or (
            number >= FAILURES if failed else self.health != "unhealthy" or number >= SUCCESSES
        ):
            self.turn(at, HEALTH[outcome])

    def turn(self, at: datetime, health: str) -> None:
        if health != self.health:
            self.timeline.append((at, health))
        self.health = health


def history(service: Service) -> list[HealthPeriod]:
    return list(HealthPeriod.objects.filter(service=service).order_by("started_at", "id"))


def assert_without_gap(service: Service) -> None:
    periods = history(service)
    assert [each.ended_at for each in periods[:-1]] == [each.started_at for each in periods[1:]]
    assert all(each.started_at < each.ended_at for each in periods[:-1])
    assert periods[-1].ended_at is None
    state = State.objects.get(pk=service.pk)
    assert (periods[-1].health, periods[0].started_at) == (state.health, FIRST[service.pk])


def lasting(timeline: list[tuple[datetime, str]]) -> list[tuple[datetime, str]]:
    """Without what lasted no time, such as after one look that nobody followed up."""
    ends = [at for at, _ in timeline[1:]] + [None]
    found: list[tuple[datetime, str]] = []
    for (at, health), end in zip(timeline, ends, strict=True):
        if at != end and (not found or found[-1][1] != health):
            found.append((at, health))
    return found


FIRST: dict = {}


@pytest.fixture
def watched(service):
    """Make a service whose history is known from its first moment on."""

    def make(name: str = "web", **fields) -> Service:
        made = service(name, probe=PROBE, **fields)
        FIRST[made.pk] = State.objects.get(pk=made.pk).since
        return made

    yield make
    FIRST.clear()


def some_results(service: Service, random: Random, number: int) -> list[Result]:
    """With gaps, out of order, and some of them twice."""
    at = ago(hours=8)
    found = []
    for _ in range(number):
        at += timedelta(seconds=random.choice([5, 30, 30, 30, 30, 100, 101, 400]))
        outcome = random.choices([PASS, WARNING, FAIL], [4, 3, 5])[0]
        found.append(look(service, outcome, at=at))
    for place in random.sample(range(number - 1), number // 10):
        found[place], found[place + 1] = found[place + 1], found[place]
    for place in random.sample(range(number), number // 10):
        found.insert(place, found[random.randrange(number)])
    return found


@pytest.mark.parametrize("seed", range(6))
def test_random_looks_make_the_history_that_they_should(watched, seed):
    random = Random(seed)
    web = watched()
    model = Model(FIRST[web.pk])
    given = some_results(web, random, 60)
    while given:
        batch, given = given[: (size := random.randint(1, 4))], given[size:]
        results.write(batch)
        for each in sorted(batch, key=lambda result: result.began_at):
            model.see(each)
    assert_without_gap(web)
    kept = [(each.started_at, each.health) for each in history(web)]
    assert lasting(kept) == lasting(model.timeline)


def test_the_model_sees_what_the_random_looks_are_made_for(watched):
    """Or the test above could compare nothing with nothing."""
    web = watched()
    model = Model(FIRST[web.pk])
    for each in some_results(web, Random(2), 60):
        model.see(each)
    told = lasting(model.timeline)
    assert {health for _, health in told} == {"unknown", "healthy", "degraded", "unhealthy"}
    assert len(told) > 12


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seed", range(3))
def test_it_has_no_gap_when_several_processes_write_at_once(watched, seed):
    services = [watched(f"web-{number}") for number in range(2)]
    given = [some_results(each, Random(seed + n), 40) for n, each in enumerate(services)]

    def write(process: int) -> None:
        random = Random(process)
        for _ in range(3):
            for each in zip(*given, strict=False):
                if random.random() < 0.6:
                    results.write(random.sample(each, len(each)))
        connection.close()

    with ThreadPoolExecutor(3) as pool:
        for each in [pool.submit(write, process) for process in range(3)]:
            each.result()
    for each in services:
        assert_without_gap(each)
        assert len(history(each)) > 1


class TestOnPurpose:
    def test_while_it_is_stopped_on_purpose_it_is_excused(self, watched):
        web = watched()
        saw(web, PASS)
        Service.objects.update(desired_state="stopped")
        saw(web, FAIL, FAIL)
        Service.objects.update(desired_state="running")
        saw(web, FAIL, PASS)
        assert_without_gap(web)
        assert [(each.health, each.excused) for each in history(web)] == [
            ("unknown", False), ("healthy", False), ("unknown", True), ("unhealthy", False),
        ]  # fmt: skip
        assert history(web)[2].reason == "Stopped on purpose."

    def test_stopped_before_anybody_looked_it_is_excused_from_then_on(self, watched):
        web = watched(desired_state="stopped")
        saw(web, FAIL)
        assert [(each.health, each.excused) for each in history(web)] == [
            ("unknown", False), ("unknown", True),
        ]  # fmt: skip

    def test_when_somebody_restarts_it_the_time_it_was_down_is_told(self, watched, acted_upon):
        web = watched()
        saw(web)
        acted_upon(web)
        saw(web, FAIL, FAIL)
        assert (history(web)[-1].health, history(web)[-1].excused) == ("unhealthy", False)


class TestUnderMaintenance:
    """A window from 50 to 20 minutes ago."""

    @pytest.fixture
    def web(self, watched) -> Service:
        made = watched()
        MaintenanceWindow.objects.create(
            service=made, starts_at=ago(minutes=50), ends_at=ago(minutes=20), reason="new disks"
        )
        return made

    def told(self, web: Service) -> list[tuple[str, bool, int]]:
        assert_without_gap(web)
        now = timezone.now()
        return [
            (each.health, each.excused, round((now - each.started_at).total_seconds() / 60))
            for each in history(web)[1:]
        ]

    @staticmethod
    def look_each_minute(web: Service, outcomes: dict[int, Outcome]) -> None:
        for minutes in range(60, 0, -1):
            if (outcome := outcomes.get(minutes)) is not None:
                results.write([look(web, outcome, at=ago(minutes=minutes))])

    def test_what_is_down_in_it_is_excused(self, web):
        down = {minutes: FAIL if 10 < minutes <= 40 else PASS for minutes in range(60, 0, -1)}
        self.look_each_minute(web, down)
        assert self.told(web) == [
            ("healthy", False, 60), ("healthy", True, 50), ("unhealthy", True, 39),
            ("unhealthy", False, 20), ("healthy", False, 9),
        ]  # fmt: skip

    def test_while_nobody_looked_its_borders_make_nothing_known(self, web):
        some = dict.fromkeys((60, 59, 58, 10, 9, 8), PASS)
        self.look_each_minute(web, some)
        found = self.told(web)
        assert found[0] == ("healthy", False, 60)
        assert {health for health, _, began in found if 10 < began <= 58} == {"unknown"}
        assert found[-1] == ("healthy", False, 10)

    def test_borders_that_were_passed_meanwhile_make_nothing_known_either(self, web):
        self.look_each_minute(web, dict.fromkeys((60, 59, 58), PASS))
        borders.pass_borders()
        assert [health for health, _, _ in self.told(web)] == ["healthy"] * 3
        self.look_each_minute(web, dict.fromkeys((10, 9, 8), PASS))
        found = self.told(web)
        assert {health for health, _, began in found if 10 < began <= 58} == {"unknown"}


def test_while_nobody_looked_it_is_unknown_and_why(watched):
    web = watched()
    for seconds in (1230, 1200, 600, 570):
        results.write([look(web, at=ago(seconds=seconds))])
    periods = history(web)
    assert [each.health for each in periods] == ["unknown", "healthy", "unknown", "healthy"]
    assert periods[2].reason == "Nobody looked."
    assert_without_gap(web)


def test_a_history_that_was_lost_begins_again(watched):
    web = watched()
    saw(web)
    HealthPeriod.objects.all().delete()
    saw(web, FAIL, FAIL)
    FIRST[web.pk] = history(web)[0].started_at
    assert [each.health for each in history(web)] == ["healthy", "unhealthy"]
    assert_without_gap(web)


def test_the_same_health_takes_no_further_row(watched):
    web = watched()
    saw(web, PASS, PASS, FAIL, PASS, FAIL, PASS, PASS)
    assert len(history(web)) == 2
