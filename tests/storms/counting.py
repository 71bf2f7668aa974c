"""A crowd of clients that counts the complete answers it gets, by status.

A request that brings no complete answer, because the server closed the connection, is asked
again and not counted: it must not have been counted by the server either.
"""

from __future__ import annotations

import http.client
import threading
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from tests.stack import Stack

BROKEN = (http.client.HTTPException, ConnectionError, TimeoutError)


@dataclass
class Crowd:
    """`clients` that ask `paths` in turn over connections they keep, `requests` times in all."""

    stack: Stack
    paths: list[str]
    requests: int
    clients: int = 8
    answers: Counter[str] = field(default_factory=Counter)  # by status
    broken: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _asked: int = 0

    @property
    def answered(self) -> int:
        return sum(self.answers.values())

    def start(self, pool: ThreadPoolExecutor) -> list[Future[None]]:
        return [pool.submit(self._ask_in_turn) for _ in range(self.clients)]

    def _next(self) -> str | None:
        with self._lock:
            number, self._asked = self._asked, self._asked + 1
        return self.paths[number % len(self.paths)] if number < self.requests else None

    def _ask_in_turn(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.stack.port, timeout=30)
        while (path := self._next()) is not None:
            while (status := self._ask(connection, path)) is None:
                connection.close()  # and is opened again by the next request
            with self._lock:
                self.answers[str(status)] += 1
        connection.close()

    def _ask(self, connection: http.client.HTTPConnection, path: str) -> int | None:
        try:
            connection.request("GET", path, headers={"X-API-Key": self.stack.key})
            answer = connection.getresponse()
            answer.read()
        except BROKEN:
            with self._lock:
                self.broken += 1
            return None
        return answer.status
