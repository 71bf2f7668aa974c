"""The parts of a running instance are restarted through the API, and nothing is lost."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import psycopg
import pytest

from tests.stack import Stack
from tests.waiting import until


def test_new_workers_take_over_and_no_task_is_lost(stack: Stack):
    stack.healthy()
    began_at = datetime.now(UTC)
    until(lambda: len(stack.children("worker")) >= 2, seconds=30)
    worker, children = stack.pid("worker"), set(stack.children("worker"))
    with stack.client() as client:
        later = {"Prefer": "respond-async"}
        wanted = {"components": ["database", "cache"], "tests": ["performance"]}
        run = client.post("/components/diagnostics", json=wanted, headers=later).json()["data"]
        began = time.monotonic()
        place = "/services/task_workers/restart"
        answer = client.post(place, headers={"Prefer": "wait=60"}, timeout=90)
        seconds = time.monotonic() - began
        assert answer.status_code == 200, answer.text
        told = answer.json()["data"]
        assert (told["service"], told["action"], told["status"]) == (
            "task_workers", "restart", "completed",
        )  # fmt: skip
        task = client.get(f"/tasks/{told['task_id']}").json()["data"]
        taken = moment(task["completed_at"]) - moment(task["started_at"])
        assert told["duration_ms"] / 1000 == pytest.approx(taken.total_seconds(), abs=0.1)
        assert taken.total_seconds() <= seconds
        assert stack.replaced("worker", worker)
        assert not children & set(stack.children("worker"))
        place = f"/components/diagnostics/{run['test_run_id']}"
        until(lambda: client.get(place).json()["data"]["status"] == "completed", seconds=60)
    assert unfinished(stack, began_at) == []
    stack.healthy()


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def unfinished(stack: Stack, since: datetime) -> list[tuple[str, str]]:
    """The tasks since then that failed, or that nobody has ended."""
    with psycopg.connect(stack.kept["DATABASE_URL"]) as own:
        rows = own.execute(
            "SELECT type, status FROM tasks_task WHERE status <> 'completed'"
            " AND created_at BETWEEN %s AND now() - interval '5 seconds'",
            [since],
        )
        return rows.fetchall()
