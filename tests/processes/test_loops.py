"""Background loops run again and again, whatever they raise, and can be woken."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator

import pytest
from django.db import connection

from core.processes import loops, queries
from core.processes.loops import Loop, LoopThread
from tests.waiting import until


@pytest.fixture
def stop() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def loop(turn, interval: float = 0.01) -> Loop:
    return Loop("test.loop", frozenset({"web"}), interval, turn)


def run(turn, stop, **options) -> LoopThread:
    thread = LoopThread(loop(turn, **options), stop, max_pause=0.02)
    thread.start()
    return thread


def test_it_runs_at_its_interval(stop):
    turns = []
    run(lambda: turns.append(1), stop)
    until(lambda: len(turns) >= 3)


def test_it_runs_again_at_once_while_there_is_more_to_do(stop):
    left = list(range(50))
    run(lambda: left and left.pop() is not None, stop, interval=60.0)
    until(lambda: not left)


def test_it_can_be_woken(stop):
    turns = []
    thread = run(lambda: turns.append(1), stop, interval=60.0)
    until(lambda: turns)
    thread.wake()
    until(lambda: len(turns) == 2)


def test_its_interval_may_change(stop):
    turns, interval = [], [60.0]
    thread = run(lambda: turns.append(1), stop, interval=lambda: interval[0])
    until(lambda: turns)
    interval[0] = 0.01
    thread.wake()
    until(lambda: len(turns) >= 4)


def test_a_wake_during_a_turn_is_not_lost(stop):
    turns = []

    def turn():
        turns.append(1)
        if len(turns) == 1:
            thread.wake()

    thread = LoopThread(loop(turn, interval=60.0), stop)
    thread.start()
    until(lambda: len(turns) == 2)


def test_an_error_is_logged_once_and_the_loop_goes_on(stop, caplog):
    caplog.set_level(logging.INFO)
    errors = [ValueError("first")] * 3 + [ValueError("second")] * 2
    turns = []

    def turn():
        if errors:
            raise errors.pop(0)
        turns.append(1)

    thread = run(turn, stop)
    until(lambda: len(turns) >= 2)
    messages = [record.getMessage() for record in caplog.records]
    assert [message for message in messages if message.startswith("loop test.loop")] == [
        "loop test.loop failed: ValueError: first",
        "loop test.loop failed: ValueError: second",
        "loop test.loop works again",
    ]
    assert thread.statistics.last_error == ""
    assert thread.statistics.failures_in_a_row == 0
    assert thread.statistics.last_turn_at > thread.statistics.last_error_at


def test_pauses_after_errors_grow_up_to_a_limit():
    thread = LoopThread(loop(None, interval=1.0), threading.Event(), max_pause=30.0)
    pauses = []
    for failures in (1, 2, 3, 50):
        thread.statistics.failures_in_a_row = failures
        pauses.append(thread._pause())
    assert 1 <= pauses[0] <= 2 <= pauses[1] <= 4 <= pauses[2] <= 8
    assert 15 <= pauses[3] <= 30


@pytest.fixture
def registered() -> Iterator[list[str]]:
    """A loop of web processes; the list of its turns."""
    turns: list[str] = []
    loops.register("test.web", roles={"web"}, interval=60.0)(lambda: turns.append("web"))
    yield turns
    loops.registry.remove("test.web")


def test_a_notify_of_postgresql_wakes_the_loop_of_that_name(registered, running):
    running("web")
    until(lambda: len(registered) == 2)  # at the start, and when the listener was ready
    with connection.cursor() as cursor:
        cursor.execute('NOTIFY "test.web"')
    until(lambda: len(registered) == 3)


def test_other_roles_do_not_run_it(registered, running):
    running("beat")
    until(queries.alive)
    assert "test.web" not in loops.names()
    assert registered == []


def test_its_statistics_are_told_with_the_heartbeat(registered, running):
    running("web")
    # The first heartbeat may come before the loops have begun.
    told = until(lambda: [each["loops"]["test.web"] for each in queries.alive() if each["loops"]])
    assert set(told[0]) == {
        "turns", "failures_in_a_row", "last_turn_at", "last_error", "last_error_at",
    }  # fmt: skip


def test_a_new_thread_takes_over_from_one_that_hangs(running):
    begun: list[threading.Thread] = []
    hangs = threading.Event()

    def turn() -> None:
        begun.append(threading.current_thread())
        if len(begun) == 1:
            hangs.wait(30)

    loops.register("test.loop", roles={"web"}, interval=60.0)(turn)
    try:
        running("web")
        until(lambda: begun)
        assert loops.restart("test.loop")
        until(lambda: len(begun) == 2)
        old, new = begun
        assert old is not new
        hangs.set()
        until(lambda: not old.is_alive())
        assert new.is_alive()
        assert old not in begun[1:]
    finally:
        hangs.set()
        loops.registry.remove("test.loop")


def test_no_loop_is_restarted_that_does_not_run_here():
    assert not loops.restart("test.loop")
