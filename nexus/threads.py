"""A pool of threads for calls awaited on an event loop.

concurrent.futures passes each result through a lock, a condition and a second future; this
passes it through a queue and one callback, which is a fifth more requests a second.
"""

from __future__ import annotations

import asyncio
import contextvars
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class Call:
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    context: contextvars.Context
    function: Callable[..., Any]
    arguments: tuple[Any, ...]


class Threads:
    """`count` daemon threads, started at the first call: a process may fork before that."""

    def __init__(self, count: int, name: str) -> None:
        self.count, self.name = count, name
        self._calls: queue.SimpleQueue[Call] = queue.SimpleQueue()
        self._started = False

    async def run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """What `function` returns or raises on one of the threads, in the caller's context."""
        if not self._started:
            self._start()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        context = contextvars.copy_context()
        self._calls.put(Call(loop, future, context, function, arguments))
        return await future

    def _start(self) -> None:
        self._started = True
        for number in range(self.count):
            threading.Thread(target=self._work, name=f"{self.name}-{number}", daemon=True).start()

    def _work(self) -> None:
        while True:
            self._carry_out(self._calls.get())

    def _carry_out(self, call: Call) -> None:
        try:
            result, failure = call.context.run(call.function, *call.arguments), None
        except BaseException as error:  # handed to who awaits it
            result, failure = None, error
        try:
            call.loop.call_soon_threadsafe(_settle, call.future, result, failure)
        except RuntimeError:  # the loop has closed; nobody waits any more
            return


def _settle(future: asyncio.Future[Any], result: Any, failure: BaseException | None) -> None:
    if future.done():  # whoever awaited it was cancelled
        return
    if failure is None:
        future.set_result(result)
    else:
        future.set_exception(failure)
