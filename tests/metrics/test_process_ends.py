"""What a process has counted outlives it: all of it when it ends in order, and when it is
killed all but what came since the last flush."""

from __future__ import annotations

import signal
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import psutil
import pytest

from core.access.actor import SYSTEM
from core.config import operations
from core.metrics.models import Source
from core.processes import control, queries
from tests.metrics.recorded import GROWTH, count
from tests.processes.spawning import Program
from tests.waiting import until

MODULE = "tests.metrics.program"


@pytest.fixture
def rarely(transactional_db) -> None:
    """Processes flush at their start and then once a minute."""
    pace(60)


def pace(seconds: float) -> None:
    operations.change(values={"metrics.flush_seconds": seconds}, actor=SYSTEM)


def record(times: int, *, processes: int = 1) -> None:
    """Have every process record, and wait until they have."""
    result = control.broadcast("test.record", {"times": times}, wait_seconds=10)
    assert (len(result.answers), result.unanswered) == (processes, [])


def quiet() -> bool:
    """Nothing was flushed for longer than the quick pace."""
    lately = datetime.now(UTC) - timedelta(seconds=1)
    return not Source.objects.filter(flushed_until__gte=lately).exists()


def started(spawn: Callable[..., Program], *options: str) -> Program:
    program = spawn("web", *options, module=MODULE)
    program.registered()
    return program


def test_a_process_that_ends_in_order_writes_the_rest(spawn, rarely):
    program = started(spawn)
    record(7)
    program.stop()
    assert count(GROWTH) == 7


def test_so_does_one_that_is_told_to_end(spawn, rarely):
    program = started(spawn)
    record(7)
    program.process.send_signal(signal.SIGTERM)
    assert program.process.wait(10) == 0
    assert count(GROWTH) == 7


def test_a_killed_process_loses_only_what_came_since_the_last_flush(spawn, rarely):
    program = started(spawn)
    record(7)
    pace(0.5)
    until(lambda: count(GROWTH) == 7)
    pace(60)
    until(quiet)
    record(5)
    program.kill()
    assert count(GROWTH) == 7


def test_a_forked_child_writes_as_itself(spawn, rarely):
    """As a worker's prefork pool does: neither writes what the other has counted."""
    parent = started(spawn, "--fork")
    [child] = until(lambda: psutil.Process(parent.pid).children())
    until(lambda: len(queries.alive()) == 2, seconds=20)
    record(3, processes=2)
    parent.stop()
    assert count(GROWTH) == 6
    assert set(Source.objects.values_list("pid", flat=True)) == {parent.pid, child.pid}


@pytest.mark.option("metrics.flush_seconds")
def test_another_pace_takes_effect_at_once(spawn, rarely):
    started(spawn)
    record(7)
    assert count(GROWTH) == 0
    pace(0.5)
    until(lambda: count(GROWTH) == 7, seconds=5)
    record(1)
    until(lambda: count(GROWTH) == 8, seconds=5)
