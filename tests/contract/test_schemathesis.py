"""The running instance keeps its own schema: schemathesis, every check, every operation."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from nexus.env import BASE_DIR
from tests.stack import Stack
from tests.waiting import until

PROGRAM = Path(sys.executable).with_name("schemathesis")
EXCEPTIONS = Path(__file__).with_name("schemathesis.toml")
FORMATS = "tests.contract.schemathesis_formats"
PHASES = "examples,coverage,fuzzing,stateful"


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("examples", [8, pytest.param(150, marks=pytest.mark.storm)])
def test_the_instance_keeps_its_schema(stack: Stack, tmp_path: Path, examples: int):
    stack.healthy()
    command = [
        str(PROGRAM), "--config-file", str(EXCEPTIONS), "run", f"{stack.api}/schema",
        "--header", f"X-API-Key: {stack.key}", "--header", "Prefer: wait=1",
        "--phases", PHASES, "--max-examples", str(examples),
        "--generation-deterministic", "--continue-on-failure", "--no-color",
    ]  # fmt: skip
    hooks = {"SCHEMATHESIS_HOOKS": FORMATS, "PYTHONPATH": str(BASE_DIR)}
    run = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, **hooks},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    cancel_what_is_left(stack)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "Selected:" in run.stdout
    stack.healthy()


def cancel_what_is_left(stack: Stack) -> None:
    """The runs that were asked for would keep the workers from the next test for minutes, and
    services made up at random would be looked at all the while."""

    def cancelled_all() -> bool:
        left = [
            task["id"]
            for status in ("pending", "running")
            for task in client.get("/tasks", params={"status": status, "limit": 500}).json()[
                "data"
            ]["tasks"]
        ]
        for task_id in left:
            client.delete(f"/tasks/{task_id}", headers={"Prefer": "respond-async"})
        return not left

    def forgotten_all() -> bool:
        left = client.post("/services/import", params={"prune": "true"}, json={"services": []})
        return left.status_code == 200

    with stack.client() as client:
        until(cancelled_all, seconds=300, interval=0.2)
        until(forgotten_all, seconds=60, interval=0.2)
