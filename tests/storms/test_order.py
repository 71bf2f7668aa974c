"""Web, worker and beat start and stop in any order; so do the servers below them."""

from __future__ import annotations

from itertools import permutations

import pytest

from tests.stack import Stack
from tests.storms.asking import SERVING
from tests.waiting import until


def works(stack: Stack) -> bool:
    with stack.client() as client:
        answer = client.post("/components/diagnostics", json={"components": ["disk"]})
    return answer.status_code == 200 and answer.json()["data"]["status"] == "completed"


@pytest.mark.parametrize(
    "order",
    [
        order if order[0] == "beat" else pytest.param(order, marks=pytest.mark.storm)
        for order in permutations(SERVING)
    ],
    ids="-".join,
)
def test_the_programs_stop_and_start_in_any_order(stack: Stack, order: tuple[str, ...]):
    stack.healthy()
    for name in order:
        stack.supervisor.stop(name)
    for name in order:
        stack.supervisor.start(name)
    stack.healthy()
    assert until(lambda: works(stack), seconds=40)


@pytest.mark.parametrize("server", ["postgres", "broker", "cache"])
def test_the_programs_outlive_a_server_killed_under_them(stack: Stack, server: str):
    stack.healthy()
    killed = stack.kill(server)
    until(lambda: stack.replaced(server, killed), seconds=5)
    stack.healthy()
    assert until(lambda: works(stack), seconds=40)
