"""A whole instance: every one of its processes is known and can be told something."""

from __future__ import annotations

import json
import os
import signal

from tests.stack import Stack
from tests.waiting import until

BROADCAST = """
import json
from core.processes import control
result = control.broadcast("test.unknown", {}, wait_seconds=5)
print(json.dumps({"errors": result.errors, "missing": result.missing}))
"""
PARTS = ["beat", "web", "web", "worker", "worker child", "worker child"]


def alive(stack: Stack) -> list[dict]:
    with stack.client() as client:
        answer = client.get("/processes", params={"status": "alive"})
    return answer.json()["data"]["processes"] if answer.status_code == 200 else []


def parts(stack: Stack) -> list[str]:
    return sorted(
        f"{row['role']} child" if row["parent_pid"] else row["role"] for row in alive(stack)
    )


def test_every_process_is_registered_and_obeys(stack):
    stack.healthy()
    until(lambda: parts(stack) == PARTS, seconds=20)
    done = stack.run("manage.py", "shell", "-v", "0", "-c", BROADCAST)
    result = json.loads(done.stdout.splitlines()[-1])
    assert set(result["errors"]) == {row["id"] for row in alive(stack)}
    assert result["missing"] == []


def test_killing_a_part_replaces_it_and_does_not_end_the_run_of_the_instance(stack):
    stack.healthy()
    until(lambda: parts(stack) == PARTS, seconds=20)
    before = {row["id"] for row in alive(stack)}
    with stack.client() as client:
        uptime = client.get("/status").json()["data"]["uptime"]
        os.kill(stack.pid("worker"), signal.SIGKILL)
        until(lambda: parts(stack) == PARTS and len({r["id"] for r in alive(stack)} - before) == 3,
              seconds=40)  # fmt: skip
        assert client.get("/status").json()["data"]["uptime"] >= uptime
    stack.healthy()
