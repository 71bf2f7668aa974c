"""Asking a running instance while something is wrong with it, with a clock."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Any

import httpx

from tests.stack import Stack

SERVING = ("web", "worker", "beat")


def timed(ask: Callable[[], httpx.Response]) -> tuple[httpx.Response, float]:
    """The answer and the seconds it took, connection included."""
    started = monotonic()
    answer = ask()
    return answer, monotonic() - started


def component(client: httpx.Client, name: str) -> str:
    """What /status says about a component, in at most 300 ms, whatever state it is in."""
    answer, seconds = timed(lambda: client.get("/status"))
    assert answer.status_code == 200, answer.text
    assert seconds < 0.3, f"/status took {seconds:.3f} s"
    status: str = answer.json()["data"]["components"][name]["status"]
    return status


def at_once(count: int, ask: Callable[[], Any]) -> list[Any]:
    """The results of `count` calls made at the same time."""
    with ThreadPoolExecutor(count) as pool:
        return [each.result() for each in [pool.submit(ask) for _ in range(count)]]


def serving(stack: Stack) -> dict[str, int]:
    """The main processes of web, worker and beat: the same later means none was restarted."""
    pids = stack.pids()
    return {name: pids[name] for name in SERVING}
