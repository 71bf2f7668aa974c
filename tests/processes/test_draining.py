"""A process that is about to be replaced lets nobody wait in it."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from core.access.actor import SYSTEM
from core.processes import control, draining
from core.processes import queries as processes
from tasks import operations, queries
from tests.waiting import until


@pytest.fixture(autouse=True)
def works_on() -> Iterator[None]:
    yield
    draining.reset()


def test_only_processes_of_the_role_drain(running):
    running("web")
    until(processes.alive)
    for role in ("worker", "web"):
        result = control.broadcast("processes.drain", {"role": role}, wait_seconds=10)
        assert list(result.answers.values()) == [{"draining": role == "web"}]
        assert draining.is_under_way() is (role == "web")


def test_one_that_was_not_replaced_works_on():
    draining.begin(seconds=0.01)
    until(lambda: not draining.is_under_way())


def test_whoever_waits_for_a_task_is_answered_at_once(transactional_db):
    task = operations.start("canary", parameters={}, actor=SYSTEM)
    draining.begin()
    began = time.monotonic()
    assert not queries.wait_until_finished(task.id, 30).finished
    assert time.monotonic() - began < 5
