"""`manage.py` brings the configuration into use before its commands, where they need it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from core.config import loading
from nexus.command_line import CommandLine
from tests.processes.spawning import ROOT

NOWHERE = "postgresql://nobody@127.0.0.1:1/none"


@pytest.fixture
def begun(monkeypatch) -> list[bool]:
    calls: list[bool] = []
    monkeypatch.setattr(loading, "begin", lambda: calls.append(True))
    return calls


@pytest.mark.parametrize("name", ["config", "task", "apikey", "diagnose", "shell"])
def test_ours_use_the_configuration(begun, name):
    CommandLine(["manage.py"]).fetch_command(name)
    assert begun


@pytest.mark.parametrize(
    "name", ["migrate", "makemigrations", "check", "collectstatic", "spectacular", "prepare"]
)
def test_those_that_need_no_tables_leave_it(begun, name):
    CommandLine(["manage.py"]).fetch_command(name)
    assert not begun


def manage(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments], cwd=ROOT, capture_output=True, text=True,
        env={**os.environ, "DATABASE_URL": NOWHERE}, timeout=60, check=False,
    )  # fmt: skip


def test_without_a_database_a_check_does_not_even_try_to_reach_it():
    ran = manage("check")
    assert ran.returncode == 0
    assert "pool" not in ran.stderr


def test_without_a_database_our_commands_say_so():
    ran = manage("config", "get")
    assert (ran.returncode, ran.stdout) == (6, "")
    assert "The database does not answer" in ran.stderr
    assert "Traceback" not in ran.stderr
