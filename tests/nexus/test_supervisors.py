"""A process is only ended where somebody is known to start it again."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from nexus import supervisors
from nexus.stack.folder import DataFolder


@pytest.fixture
def begin() -> Iterator:
    begun: list[subprocess.Popen] = []

    def start(**environment: str) -> subprocess.Popen:
        begun.append(
            subprocess.Popen(
                [sys.executable, "-c", "import sys; print(flush=True); sys.stdin.read()"],
                env={**os.environ, **environment}, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            )
        )  # fmt: skip
        begun[-1].stdout.readline()  # it runs
        return begun[-1]

    yield start
    for each in begun:
        each.communicate()


def test_programs_of_make_up_are_started_again(begin, settings, tmp_path):
    settings.DATA_DIR = tmp_path
    pid = begin().pid
    assert not supervisors.embedded(pid)
    folder = DataFolder(tmp_path).run
    folder.mkdir()
    (folder / "supervisord.pid").write_text(f"{os.getpid()}\n")
    assert supervisors.embedded(pid)
    assert not supervisors.embedded(os.getpid())
    (folder / "supervisord.pid").write_text("")
    assert not supervisors.embedded(pid)


def test_main_processes_of_units_are_started_again(begin, monkeypatch):
    monkeypatch.delenv("SYSTEMD_EXEC_PID", raising=False)
    monkeypatch.delenv("INVOCATION_ID", raising=False)
    assert not supervisors.systemd(begin().pid)
    # What a shell in a unit, such as that of a desktop's terminal, hands down.
    assert not supervisors.systemd(begin(SYSTEMD_EXEC_PID="1", INVOCATION_ID="ab").pid)
    assert not supervisors.systemd(begin(INVOCATION_ID="ab").pid)
    shell = 'SYSTEMD_EXEC_PID=$$ exec "$0" -c "import sys; print(flush=True); sys.stdin.read()"'
    with subprocess.Popen(
        ["sh", "-c", shell, sys.executable], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as main:
        main.stdout.readline()
        assert supervisors.systemd(main.pid)
        main.communicate()


def test_what_a_container_runs_is_started_again_with_it():
    assert supervisors.container(1)
    assert not supervisors.container(os.getpid())


def test_a_process_that_is_gone_is_nobodys(begin):
    gone = begin()
    gone.communicate()
    assert not supervisors.systemd(gone.pid)
    assert not supervisors.embedded(gone.pid)
