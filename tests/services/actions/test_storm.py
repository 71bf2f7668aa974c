"""Workers killed while they restart services: what may be repeated comes about, what may not is
never done twice, and nobody is left half-way."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Iterator

import pytest

from core.errors import Conflict
from services.actions.plan import step_name
from services.probes.base import Status
from services.registry.models import State
from tasks.models import FINISHED, Task
from tests.services.actions.doing import asked
from tests.services.actions.specimens import Program
from tests.services.actions.workers import WorkerOfPrograms
from tests.tasks.workers import Crowd
from tests.waiting import until

KILLS = 20
ROOTS = ["db", "broker"]
DEPENDENTS = ["web", "jobs", "mail", "feed"]
STURDY = [*ROOTS, *DEPENDENTS, "a", "b", "c"]
FRAGILE = ["d", "e", "f"]


@pytest.fixture
def crowd(create) -> Iterator[Crowd]:
    for name in STURDY:
        needs = ROOTS[: 1 + DEPENDENTS.index(name) % 2] if name in DEPENDENTS else []
        create(name, *needs, seconds=0.5)
    for name in FRAGILE:
        create(name, controller="fragile", seconds=0.5)
    crowd = Crowd(size=2, concurrency=2, kind=WorkerOfPrograms)
    for worker in crowd.workers:
        worker.ready()
    yield crowd
    crowd.end()


def ask_for_any(choice: random.Random) -> None:
    try:
        asked("restart", choice.choice([*STURDY, *FRAGILE]), cascade=True, timeout_seconds=60)
    except Conflict:
        pass  # somebody is at it


def keys(program: Program) -> Counter[str]:
    """How often each act was asked for; the same act has one moment, too."""
    lines = program.said("asked").splitlines()
    moments = {tuple(line.split(" ", 1)) for line in lines}
    assert len(moments) == len({key for _, key in moments})
    return Counter(line.split(" ", 1)[1] for line in lines)


@pytest.mark.storm
@pytest.mark.timeout(900)
def test_killed_workers_leave_no_service_half_way(crowd, programs):
    choice = random.Random(20261124)
    pause = threading.Event()
    for name in ("db", "a", "b", "c"):  # chance may find somebody at them each time
        asked("restart", name, cascade=True, timeout_seconds=60)
    for _ in range(KILLS):
        for _ in range(6):
            ask_for_any(choice)
            pause.wait(choice.uniform(0.05, 0.4))
        crowd.kill_one(choice)
    tasks = Task.objects.filter(type="services.act")
    until(lambda: not tasks.exclude(status__in=FINISHED).exists(), seconds=180, interval=0.2)
    assert tasks.filter(attempts__gt=1).count() > 3
    assert tasks.filter(status="completed").count() > 10
    lost = tasks.exclude(status="completed").values_list("error_code", flat=True)
    assert set(lost) <= {"outcome_unknown", "worker_lost"}
    for task in tasks.filter(status="completed"):
        for act in task.parameters["acts"]:
            step = step_name(act["action"], act["service"])
            assert keys(programs(act["service"]))[f"{task.external_id}:{step}"] > 0
    for name in FRAGILE:
        assert set(keys(programs(name)).values()) <= {1}
    assert [name for name in DEPENDENTS if programs(name).pid is None] == []
    half_way = State.objects.filter(status__in=(Status.STARTING, Status.RESTARTING))
    until(lambda: not half_way.exists())
