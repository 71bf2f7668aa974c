"""Who may write to a task: tokens and leases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now

from tasks import runner, transitions
from tasks.models import Status, Task
from tasks.transitions import Superseded
from tests.tasks.workers import effects, fresh, start


def claim(task: Task) -> transitions.Claim | None:
    return transitions.claim(task.id, worker="test")


def expire(task: Task) -> None:
    Task.objects.filter(pk=task.pk).update(lease_expires_at=Now() - timedelta(seconds=1))


def test_a_task_is_claimed_once(engine):
    task = start("specimen.plain")
    assert claim(task).token == 1
    assert claim(task) is None


def test_of_many_that_claim_at_once_one_wins(engine):
    task = start("specimen.plain")

    def attempt(_: int) -> transitions.Claim | None:
        try:
            return claim(task)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        won = [each for each in threads.map(attempt, range(16)) if each]
    assert len(won) == 1
    assert fresh(task).attempts == 1


def test_an_expired_lease_lets_another_worker_claim_and_shuts_the_first_one_out(engine):
    task = start("specimen.plain")
    zombie = claim(task)
    expire(task)
    heir = claim(task)
    assert (heir.token, heir.attempts) == (2, 2)
    with pytest.raises(Superseded):
        transitions.renew(zombie, progress=0.9, step_id=None, fraction=0.9)
    with pytest.raises(Superseded):
        transitions.finish(zombie, Status.COMPLETED)
    assert (fresh(task).status, fresh(task).progress) == ("running", 0.0)


def test_effects_of_a_zombie_are_rolled_back(engine):
    task = start("specimen.plain")
    zombie = claim(task)
    with pytest.raises(Superseded), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO specimen_effect VALUES (%s, 'zombie', now())", [task.id])
        expire_elsewhere(task)
        transitions.complete_step(zombie, zombie.steps[0], progress=0.25, state={}, result=None)
    assert runner.run(task.id) is False  # the heir's lease is fresh
    assert effects(task.id) == []


def expire_elsewhere(task: Task) -> None:
    """Another connection takes the task over meanwhile."""

    def take_over() -> None:
        expire(task)
        assert claim(task) is not None
        connection.close()

    with ThreadPoolExecutor(1) as threads:
        threads.submit(take_over).result()


def test_a_task_is_not_claimed_before_its_time(engine):
    task = start("specimen.plain")
    Task.objects.filter(pk=task.pk).update(not_before=Now() + timedelta(minutes=1))
    assert claim(task) is None


def test_a_finished_task_is_not_claimed(engine):
    task = start("specimen.plain")
    assert runner.run(task.id) is True
    assert runner.run(task.id) is False
    assert effects(task.id) == ["first", "second"]


def test_one_that_queues_behind_is_claimed_when_the_one_before_it_has_ended(engine):
    first = start("specimen.behind", key="bench")
    second = start("specimen.behind", key="bench")
    assert claim(second) is None
    held = claim(first)
    assert claim(second) is None
    transitions.finish(held, Status.COMPLETED)
    assert claim(second) is not None
