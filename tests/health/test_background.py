"""Every web process keeps its verdicts fresh and tells what changed."""

from __future__ import annotations

import pytest

from core.events.models import Event
from core.health import background, queries
from core.health.board import board
from core.health.checks import Outcome, Unhealthy
from core.health.models import ComponentStatus
from core.processes import runtime
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)


class Part:
    """A measurement that can be broken."""

    broken = False
    runs = 0

    def __call__(self) -> None:
        self.runs += 1
        if self.broken:
            raise Unhealthy("it is gone")


@pytest.fixture
def part(check, monkeypatch):
    monkeypatch.setattr(background, "GRACE_SECONDS", 0.0)
    measurement = Part()
    check(measurement, cadence=0.2)
    yield measurement
    runtime.stop()


def test_a_web_process_checks_without_being_asked(part):
    runtime.start("web")
    until(lambda: part.runs >= 3)
    part.broken = True
    [watch] = board.watches()
    until(lambda: watch.verdict.outcome == Outcome.FAIL, seconds=2)


def test_asking_then_runs_nothing(part, check):
    rarely = Part()
    check(rarely, name="rarely", cadence=60.0)
    runtime.start("web")
    until(lambda: rarely.runs)
    queries.components()
    queries.status_json()
    assert rarely.runs == 1


def test_a_change_becomes_an_event_by_itself(part):
    runtime.start("web")
    until(lambda: ComponentStatus.objects.filter(status="healthy").exists())
    part.broken = True
    event = until(lambda: Event.objects.filter(name="component.status_changed").first())
    assert (event.subject, event.payload["status"]) == ("part", "unhealthy")


def test_nothing_is_news_while_the_parts_of_the_instance_start(part, monkeypatch):
    monkeypatch.setattr(background, "GRACE_SECONDS", 3600.0)
    part.broken = True
    runtime.start("web")
    until(lambda: part.runs >= 3)
    assert not ComponentStatus.objects.exists()


def test_other_roles_leave_the_checks_alone(part):
    runtime.start("worker")
    until(lambda: runtime._runtime is not None)
    assert not {"health.checks", "health.transitions"} & set(background.loops.names())
