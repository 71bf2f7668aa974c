"""Valkey goes away and comes back: the instance says so, keeps working, and heals by itself."""

from __future__ import annotations

from contextlib import ExitStack
from time import monotonic

import pytest

from tests.stack import Stack
from tests.storms.asking import component, serving, timed
from tests.waiting import until


def test_status_tells_of_a_stopped_cache_within_3_seconds_and_of_its_return(stack: Stack):
    stack.healthy()
    before = serving(stack)
    with stack.client() as client:
        until(lambda: component(client, "cache") == "healthy")
        with stack.stopped("cache"):
            until(lambda: component(client, "cache") == "unhealthy", seconds=3)
            for _ in range(20):
                assert component(client, "cache") == "unhealthy"
            assert client.get("/health").status_code == 200
        until(lambda: component(client, "cache") == "healthy", seconds=10)
    assert serving(stack) == before


POSTS = 30


@pytest.mark.parametrize(
    "seconds", [6, pytest.param(60, marks=pytest.mark.storm)], ids=["6s", "60s"]
)
def test_work_posted_while_valkey_is_stopped_is_accepted_and_runs_after_its_return(
    stack: Stack, seconds: float
):
    stack.healthy()
    before = serving(stack)
    accepted: list[str] = []
    with stack.client() as client:
        with ExitStack() as down:
            for name in ("cache", "broker"):
                down.enter_context(stack.stopped(name))
            began = monotonic()
            for number in range(POSTS):
                accepted.append(post(client))
                due = began + seconds * (number + 1) / POSTS
                until(lambda due=due: monotonic() >= due, seconds=seconds + 1)
            assert monotonic() - began >= seconds
        until(lambda: finished(client, accepted), seconds=30, interval=0.5)
        assert len(set(accepted)) == POSTS
        stack.healthy()
        until(lambda: component(client, "cache") == "healthy")
    assert serving(stack) == before


def post(client) -> str:
    """Start a run of diagnostics; returns its task's id."""
    answer, took = timed(
        lambda: client.post("/components/diagnostics", json={"components": ["disk"]})
    )
    assert answer.status_code in (200, 202), answer.text
    assert took < 5
    task_id: str = answer.json()["data"]["task_id"]
    return task_id


def finished(client, task_ids: list[str]) -> bool:
    documents = [client.get(f"/tasks/{task_id}").json()["data"] for task_id in task_ids]
    assert not [each for each in documents if each["status"] in ("failed", "cancelled")]
    return all(each["status"] == "completed" for each in documents)
