"""Each service that is due is looked at by one process, at a phase of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connections
from django.db.models.functions import Now
from django.utils import timezone

from core import ids
from services.probing import claims
from services.registry.models import Origin, State
from tests.services.probing.specimens import service

pytestmark = pytest.mark.django_db


def names(*, most: int = 100, **given: Collection[str]) -> list[str]:
    return [each.name for each in claims.take(most=most, **given)]


def test_what_is_due_is_claimed_once():
    service("a")
    service("b")
    assert sorted(names()) == ["a", "b"]
    assert names() == []


def test_what_is_not_due_is_left_alone():
    State.objects.filter(service=service("a")).update(
        next_probe_at=timezone.now() + timedelta(seconds=30)
    )
    assert names() == []


def test_the_longest_due_come_first_and_no_more_than_asked_for():
    for number, name in enumerate("abc"):
        due = timezone.now() - timedelta(seconds=number)
        State.objects.filter(service=service(name)).update(next_probe_at=due)
    assert sorted(names(most=2)) == ["b", "c"]
    assert names(most=0) == []
    assert names(most=2) == ["a"]


def test_a_service_of_another_node_is_left_to_its_workers(settings):
    service("here", node=settings.NODE)
    service("elsewhere", node="another-node")
    assert names() == ["here"]


def test_web_processes_look_at_nothing_but_the_parts_of_the_instance():
    service("theirs")
    service("ours", origin="instance")
    assert names(origins=[Origin.INSTANCE]) == ["ours"]


def test_the_parts_of_the_instance_are_left_alone_while_they_start():
    service("theirs")
    service("ours", origin="instance")
    assert names(origins=[Origin.OPERATOR]) == ["theirs"]
    assert names(origins=[]) == []
    assert names(origins=[Origin.INSTANCE]) == ["ours"]


def test_the_next_look_is_one_interval_later_at_the_phase_of_the_service():
    made = [service(f"s{number}", interval=20.0) for number in range(40)]
    names()
    before = timezone.now()
    first = dict(State.objects.values_list("service_id", "next_probe_at"))
    assert all(before < at <= before + timedelta(seconds=20) for at in first.values())
    # They were all due at once, and are spread from now on.
    assert len({int(at.timestamp()) for at in first.values()}) > 10
    State.objects.update(claimed_until=None, next_probe_at=Now())
    names()
    for each in made:
        apart = State.objects.get(service=each).next_probe_at - first[each.pk]
        assert apart in (timedelta(0), timedelta(seconds=20))


def test_a_claim_whose_process_is_gone_runs_out():
    service("a")
    names()
    State.objects.update(next_probe_at=Now())
    assert names() == []
    State.objects.update(claimed_until=Now())
    assert names() == ["a"]


def test_a_process_that_ends_gives_back_what_it_had_claimed(monkeypatch):
    mine = ids.new()
    monkeypatch.setattr(claims, "_process", lambda: mine)
    service("a")
    names()
    claims.release()
    assert names() == ["a"]


def test_it_tells_how_late_it_is():
    State.objects.filter(service=service("a")).update(
        next_probe_at=timezone.now() - timedelta(seconds=7)
    )
    [claim] = claims.take(most=1)
    assert claim.late_seconds == pytest.approx(7, abs=1)


@pytest.mark.django_db(transaction=True)
def test_workers_that_claim_at_once_share_the_work():
    for number in range(60):
        service(f"s{number:02}")

    def take(_: int) -> list[str]:
        try:
            return names(most=7)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        taken = Counter(name for each in pool.map(take, range(12)) for name in each)
    assert len(taken) == 60
    assert set(taken.values()) == {1}
