"""Any one process killed is back within five seconds, and the instance works again."""

from __future__ import annotations

import os
import signal
import time

import httpx
import psutil
import pytest

from nexus.stack import leftovers
from tests.stack import PROGRAMS, Stack
from tests.waiting import until

BACK_SECONDS = 5.0


def allowed() -> float:
    """Five seconds on a machine that has a processor to spare, more on an overloaded one."""
    return BACK_SECONDS * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def works(stack: Stack) -> bool:
    """Whether every program runs and a request that reads the database is answered."""
    try:
        answered = stack.client().get("/tasks", timeout=2.0).status_code == 200
    except httpx.HTTPError:
        return False
    return answered and set(PROGRAMS) <= stack.pids().keys()


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_killed_program_is_back_within_five_seconds(stack: Stack, program: str) -> None:
    stack.healthy()

    killed = stack.kill(program)

    until(lambda: stack.replaced(program, killed) and works(stack), seconds=allowed())


@pytest.mark.parametrize("program", ["web", "worker"])
def test_a_killed_child_is_back_within_five_seconds(stack: Stack, program: str) -> None:
    stack.healthy()
    until(lambda: len(stack.children(program)) >= 2, seconds=30)
    before = stack.children(program)

    os.kill(before[-1], signal.SIGKILL)

    def back() -> bool:
        return len(set(stack.children(program)) - {before[-1]}) >= len(before) and works(stack)

    until(back, seconds=allowed())


def test_children_do_not_outlive_a_killed_web_server(stack: Stack) -> None:
    stack.healthy()
    orphans = stack.children("web")

    stack.kill("web")

    until(lambda: not any(psutil.pid_exists(pid) for pid in orphans), seconds=allowed())


def test_a_killed_supervisor_is_back_within_five_seconds_with_all_programs(stack: Stack) -> None:
    stack.healthy()
    before = stack.pids()
    supervisor = leftovers.supervisord(stack.folder)
    assert supervisor

    begun = time.monotonic()
    supervisor.kill()

    until(lambda: all(stack.replaced(each, before[each]) for each in PROGRAMS), seconds=allowed())
    until(lambda: works(stack), seconds=allowed() - (time.monotonic() - begun))
    assert not stack.ended()
    until(lambda: not any(psutil.pid_exists(pid) for pid in before.values()), seconds=30.0)
