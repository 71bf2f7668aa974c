"""Many workers killed over many jobs: every job ends, each effect exactly once."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator

import pytest
from django.db import connection

from tasks.models import FINISHED, Task
from tests.tasks.workers import Crowd, start
from tests.waiting import until

END_SECONDS = 60.0  # after the last kill


@pytest.fixture
def crowd(engine: None) -> Iterator[Crowd]:
    crowd = Crowd(size=3, concurrency=2)
    yield crowd
    crowd.end()


def storm(crowd: Crowd, *, jobs: int, kills: int, longest: float) -> float:
    """Returns the seconds from the last kill until every job had ended."""
    choice = random.Random(20260101)
    for worker in crowd.workers:
        worker.ready()
    for _ in range(jobs):
        start("specimen.sturdy", seconds=choice.uniform(0.05, longest))
    pause = threading.Event()
    for _ in range(kills):
        pause.wait(choice.uniform(0.2, 1.0))
        crowd.kill_one(choice)
    last = time.monotonic()
    unfinished = Task.objects.exclude(status__in=FINISHED).filter(type="specimen.sturdy")
    until(lambda: not unfinished.exists(), seconds=END_SECONDS, interval=0.1)
    return time.monotonic() - last


def counted() -> dict[tuple[str, int], int]:
    """How many (task, step) pairs have how many effects."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT step, times, count(*) FROM (SELECT task_id, step, count(*) AS times"
            " FROM specimen_effect GROUP BY task_id, step) AS pairs GROUP BY step, times"
        )
        return {(step, times): number for step, times, number in cursor.fetchall()}


def summary() -> dict[str, int]:
    tasks = Task.objects.filter(type="specimen.sturdy")
    return {
        status: tasks.filter(status=status).count()
        for status in FINISHED
        if tasks.filter(status=status).exists()
    }


def test_killed_workers_lose_no_task_and_double_no_effect(crowd):
    storm(crowd, jobs=40, kills=6, longest=1.0)
    assert summary() == {"completed": 40}
    assert counted() == {("first", 1): 40, ("second", 1): 40}


@pytest.mark.storm
@pytest.mark.timeout(900)
def test_sixty_kills_over_four_hundred_jobs(crowd, record_testsuite_property):
    seconds = storm(crowd, jobs=400, kills=60, longest=1.2)
    record_testsuite_property("seconds_after_last_kill", round(seconds, 1))
    attempts = Task.objects.filter(type="specimen.sturdy", attempts__gt=1).count()
    record_testsuite_property("tasks_with_more_than_one_attempt", attempts)
    assert attempts > 30
    assert summary() == {"completed": 400}
    assert counted() == {("first", 1): 400, ("second", 1): 400}
