"""Real processes of the instance under test."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from django.conf import settings
from django.db import connection

from core.processes import queries
from tests.waiting import until

ROOT = Path(__file__).resolve().parents[2]


def database_url() -> str:
    given = connection.settings_dict
    return "postgresql://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(**given)


class Program:
    """A process that runs `tests.processes.program`, or another module that does, on the
    servers of the test."""

    def __init__(
        self,
        role: str,
        *options: str,
        log: Path,
        module: str = "tests.processes.program",
        **environment: str,
    ) -> None:
        self.log = log
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, role, *options],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=log.open("ab"),
            stderr=subprocess.STDOUT,
            env={
                **os.environ,
                "DJANGO_SETTINGS_MODULE": "nexus.settings",
                "DATABASE_URL": database_url(),
                "CACHE_URL": settings.CACHES["default"]["LOCATION"],
                **environment,
            },
        )
        self.pid = self.process.pid

    def registered(self) -> dict:
        """Wait for its row and return it."""
        return until(
            lambda: next((row for row in queries.alive() if row["pid"] == self.pid), None),
            seconds=30,
        )

    def kill(self) -> None:
        """Kill it; a child it has forked ends with its stdin."""
        self.process.kill()
        self._end_of_input()
        self.process.wait(10)

    def _end_of_input(self) -> None:
        if self.process.stdin:
            self.process.stdin.close()

    def stop(self) -> None:
        """End it in order, as its supervisor would."""
        self._end_of_input()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
