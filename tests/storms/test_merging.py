"""Processes that flush and merge are killed at any moment: every rollup is what was flushed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from time import monotonic

import pytest
from django.db import connection
from django.db.models import Sum

from core.metrics import merging, totals
from core.metrics.models import LabelSet, Minute, Rollup, Unmerged
from tests.metrics import truth
from tests.processes.spawning import Program
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)

BUSY = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'
"""
WORK = ("flush", "flush", "flush", "merge", "merge")

MODULE = "tests.metrics.merging_program"


class Crowd:
    """Programs, each of which is started again when it was killed."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self.seeds = count()
        self.programs = [self._start(what) for what in WORK]

    def _start(self, what: str) -> Program:
        return Program(
            what, str(next(self.seeds)), log=self.log, module="tests.metrics.merging_program"
        )

    def kill_one(self, choice: random.Random) -> None:
        position = choice.randrange(len(WORK))
        self.programs[position].kill()
        self.programs[position] = self._start(WORK[position])

    def end(self) -> None:
        for program in self.programs:
            program.kill()


@pytest.fixture
def crowd(tmp_path: Path) -> Iterator[Crowd]:
    crowd = Crowd(tmp_path / "crowd.log")
    yield crowd
    crowd.end()


@pytest.mark.parametrize(
    "seconds", [6, pytest.param(60, marks=pytest.mark.storm)], ids=["6s", "60s"]
)
def test_killed_flushes_and_mergers_leave_every_rollup_right(crowd: Crowd, seconds: float):
    choice = random.Random(20261124)
    until(lambda: Rollup.objects.exists(), seconds=60)
    end, kills = monotonic() + seconds, 0
    while monotonic() < end:
        pause = monotonic() + choice.uniform(0.2, 1.5)
        until(lambda pause=pause: monotonic() > pause)
        crowd.kill_one(choice)
        kills += 1
    crowd.end()
    until(lambda: busy_sessions() == 0, seconds=30)
    while merging.merge():
        continue
    assert not Unmerged.objects.exists()
    assert kills > seconds / 3
    assert Rollup.objects.filter(resolution=300).count() > 50
    assert truth.stored() == truth.expected()
    assert told() == written()


def busy_sessions() -> int:
    """Those of killed processes that are still at their last statement."""
    with connection.cursor() as cursor:
        cursor.execute(BUSY)
        return cursor.fetchone()[0]


def told() -> dict[tuple[str, str], int]:
    return {(row.instrument, row.labels["route"]): row.count for row in totals.read()}


def written() -> dict[tuple[str, str], int]:
    kinds = [kind.value for kind in totals.KINDS]
    sets = LabelSet.objects.filter(kind__in=kinds, labels__has_key="route")
    counts = dict(Minute.objects.values_list("label_set_id").annotate(Sum("count")).order_by())
    return {(each.instrument, each.labels["route"]): counts[each.pk] for each in sets}
