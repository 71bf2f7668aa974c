"""A changed status becomes one event of the instance."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import OperationalError, connection

from core.events.models import Event
from core.health import transitions
from core.health.board import Board, Health, Standing
from core.health.checks import Component
from core.health.models import ComponentStatus

pytestmark = pytest.mark.django_db(transaction=True)


def see(health: Health, reason: str | None = None) -> None:
    transitions.observe([Standing(Component("part"), health, reason, ())])


def events() -> list[dict]:
    return list(
        Event.objects.filter(name="component.status_changed")
        .order_by("id")
        .values_list("payload", flat=True)
    )


def test_a_component_that_starts_healthy_is_no_news():
    see(Health.HEALTHY)
    assert transitions.write() == 0
    assert ComponentStatus.objects.get().status == "healthy"


def test_a_change_is_told_once_with_its_reason():
    for health, reason in ((Health.HEALTHY, None), (Health.UNHEALTHY, "gone")):
        see(health, reason)
        see(health, reason)
    transitions.write()
    transitions.write()
    [event] = events()
    assert (event["previous"], event["status"], event["reason"]) == ("healthy", "unhealthy", "gone")


def test_many_processes_that_see_the_same_tell_it_once():
    see(Health.HEALTHY)
    transitions.write()
    for _ in range(3):
        transitions.forget()  # another process
        see(Health.UNHEALTHY, "gone")
        transitions.write()
    assert len(events()) == 1


def test_what_a_slow_process_saw_before_does_not_undo_what_came_after():
    see(Health.HEALTHY)
    see(Health.UNHEALTHY)
    late = list(transitions._pending)
    see(Health.HEALTHY)
    transitions.write()
    assert [each["status"] for each in events()] == ["unhealthy", "healthy"]
    transitions._pending.extend(late)
    assert transitions.write() == 0
    assert ComponentStatus.objects.get().status == "healthy"


def test_a_change_waits_while_the_database_is_away(monkeypatch):
    see(Health.HEALTHY)
    transitions.write()

    def away(transition):
        raise OperationalError("gone")

    with monkeypatch.context() as patched:
        patched.setattr(transitions, "_write", away)
        see(Health.UNHEALTHY, "gone")
        with pytest.raises(OperationalError):
            transitions.write()
        see(Health.HEALTHY)
    transitions.write()
    assert [each["status"] for each in events()] == ["unhealthy", "healthy"]
    assert events()[0]["at"] < events()[1]["at"]


def test_the_time_of_a_status_is_the_instances_even_in_a_new_process(check):
    check(dict)
    board = Board()
    board.refresh()
    board.standings()
    earlier = board.since("part") - timedelta(hours=1)
    ComponentStatus.objects.create(component="part", status="healthy", since=earlier)
    transitions.write(to=board)
    assert board.since("part") == earlier


def test_the_row_and_the_event_are_one_transaction(monkeypatch):
    def refuse(*args, **kwargs):
        raise OperationalError("gone")

    see(Health.UNHEALTHY, "gone")
    monkeypatch.setattr("core.events.operations.publish", refuse)
    with pytest.raises(OperationalError):
        transitions.write()
    assert not ComponentStatus.objects.exists()
    assert not connection.in_atomic_block
