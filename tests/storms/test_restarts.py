"""The whole instance is restarted part by part while requests go on: none of them fails."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import psycopg
import pytest

from tests.stack import Stack
from tests.waiting import until

pytestmark = pytest.mark.storm

PAUSE_SECONDS = 0.05
ALL = {
    "cache", "connection_pool", "database_adapter", "event_bus", "plugin_manager", "scheduler",
    "task_workers", "web",
}  # fmt: skip


@contextmanager
def asked(stack: Stack) -> Iterator[Counter[str]]:
    """Ask all the time, over connections that stay open and over new ones; what came of it."""
    answers: Counter[str] = Counter()
    ended = threading.Event()

    def ask(own: httpx.Client | None) -> None:
        while not ended.wait(PAUSE_SECONDS):
            try:
                answer = own.get("/tasks") if own else httpx.get(f"{stack.api}/health")
                answers[str(answer.status_code)] += 1
            except httpx.HTTPError as error:
                answers[repr(error)] += 1

    with stack.client() as kept:
        asking = [threading.Thread(target=ask, args=(own,)) for own in (kept, kept, None)]
        for each in asking:
            each.start()
        yield answers
        ended.set()
        for each in asking:
            each.join()


def healthy(stack: Stack) -> set[str]:
    with psycopg.connect(stack.kept["DATABASE_URL"]) as own:
        rows = own.execute(
            "SELECT name FROM services_service JOIN services_state ON service_id = id"
            " WHERE health = 'healthy'"
        )
        return {name for (name,) in rows}


def completed(stack: Stack, name: str) -> set[str]:
    """Restart it with all that needs it; the services that were."""
    with stack.client() as client:
        given = {"cascade": "true"}
        answer = client.post(
            f"/services/{name}/restart", params=given, headers={"Prefer": "respond-async"}
        )
        assert answer.status_code == 202, answer.text
        place = f"/tasks/{answer.json()['data']['task_id']}"
        with_end = until(lambda: ended(client, place), seconds=120)
        assert with_end["status"] == "completed", with_end
        return {act["service"] for act in with_end["details"]["acts"]}


def ended(client: httpx.Client, place: str) -> dict | None:
    task = client.get(place).json()["data"]
    return task if task["status"] in ("completed", "failed", "cancelled") else None


def test_no_request_fails_while_every_part_is_restarted(stack: Stack):
    stack.healthy()
    until(lambda: healthy(stack) == ALL, seconds=30)
    before = stack.pids(), set(stack.children("web"))
    with asked(stack) as answers:
        restarted = completed(stack, "connection_pool") | completed(stack, "cache")
    assert restarted == ALL
    assert set(answers) == {"200"}, answers
    after = stack.pids(), set(stack.children("web"))
    assert {name for name in before[0] if before[0][name] != after[0][name]} == {"worker", "beat"}
    assert not before[1] & after[1] or len(after[1]) > len(before[1])
    stack.healthy()
