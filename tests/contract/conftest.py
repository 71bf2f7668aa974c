"""Real answers of a running instance, for the contract to judge."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.stack import Stack

LONG_WAIT = {"Prefer": "wait=30"}


@pytest.fixture(scope="module")
def api(stack: Stack) -> Iterator[httpx.Client]:
    """A client with every scope; it follows no redirect."""
    with stack.client() as client:
        yield client


@pytest.fixture(scope="module")
def finished_run(api: httpx.Client) -> httpx.Response:
    """The answer to a run of diagnostics that ended within its wait."""
    wanted = {"components": ["database", "cache"], "tests": ["connectivity", "performance"]}
    answer = api.post("/components/diagnostics", json=wanted, headers=LONG_WAIT)
    assert answer.status_code == 200, answer.text
    return answer


@pytest.fixture
def pending_task(api: httpx.Client, stack: Stack) -> Iterator[str]:
    """The id of a task that waits for a worker."""
    with stack.stopped("worker"):
        answer = api.post("/components/diagnostics", headers={"Prefer": "respond-async"})
        assert answer.status_code == 202, answer.text
        yield answer.json()["data"]["task_id"]
    stack.healthy()
