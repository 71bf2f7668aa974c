"""The pool behind the bridge: results, errors and contexts find their way back."""

from __future__ import annotations

import asyncio
import contextvars
import threading

import pytest

from nexus.threads import Threads
from tests.waiting import until

number: contextvars.ContextVar[int] = contextvars.ContextVar("number")


def test_each_call_runs_in_the_context_of_its_caller() -> None:
    threads = Threads(3, "test")

    async def call(value: int) -> int:
        number.set(value)
        return await threads.run(number.get)

    async def main() -> list[int]:
        return list(await asyncio.gather(*(call(value) for value in range(50))))

    assert asyncio.run(main()) == list(range(50))


def test_an_error_reaches_who_awaits_it_and_the_thread_lives_on() -> None:
    threads = Threads(1, "test")

    async def main() -> str:
        with pytest.raises(ZeroDivisionError):
            await threads.run(lambda: 1 / 0)
        return await threads.run(str, "still here")

    assert asyncio.run(main()) == "still here"


def test_a_cancelled_call_and_a_closed_loop_disturb_nobody() -> None:
    threads = Threads(1, "test")
    begun, release = threading.Event(), threading.Event()

    def hang() -> None:
        begun.set()
        release.wait(10)

    async def give_up() -> None:
        task = asyncio.ensure_future(threads.run(hang))
        await asyncio.to_thread(until, begun.is_set)
        task.cancel()

    asyncio.run(give_up())
    release.set()

    assert asyncio.run(threads.run(str, "next")) == "next"


def test_threads_start_at_the_first_call_so_that_a_process_may_fork_before() -> None:
    before = threading.active_count()
    threads = Threads(2, "test")

    assert threading.active_count() == before
    asyncio.run(threads.run(str))
    assert threading.active_count() == before + 2
