"""Running `manage.py prepare` in a process of its own, so that the foreground stays small."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack

from nexus.env import BASE_DIR
from nexus.stack import console
from nexus.stack.errors import StackError


def run(environment: Mapping[str, str], *, make_database: bool, new_key: bool) -> dict[str, str]:
    """Show its steps; returns the "password" and "key" it made.

    Raises StackError with the reason when it can't.
    """
    command = [sys.executable, str(BASE_DIR / "manage.py"), "prepare", "--json"]
    command += ["--make-database"] if make_database else []
    command += ["--new-key"] if new_key else []
    made: dict[str, str] = {}
    with (
        subprocess.Popen(
            command,
            env=dict(environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process,
        ExitStack() as steps,
    ):
        assert process.stdout and process.stderr  # noqa: S101 - both are pipes
        try:
            for line in process.stdout:
                fact = json.loads(line)
                if "step" in fact:
                    steps.close()
                    steps.enter_context(console.step(fact["step"]))
                made.update(fact)
            complaint = process.stderr.read()
        except BaseException:
            process.terminate()
            raise
        if process.wait() != 0:
            raise StackError(made.get("problem") or f"Preparing the database failed:\n{complaint}")
    return made
