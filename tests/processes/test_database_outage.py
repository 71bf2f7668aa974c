"""Processes outlive their database: frozen, restarted, or not there yet."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg
import pytest

from tests import servers
from tests.processes.spawning import ROOT, Program
from tests.waiting import until


class Database:
    """A PostgreSQL of these tests alone, with an instance's tables."""

    def __init__(self, folder: Path) -> None:
        self.server, self.url = servers.start_postgres(folder)
        server_url = self.url.removesuffix("nexus") + "postgres"
        with psycopg.connect(server_url, autocommit=True) as server:
            server.execute("CREATE DATABASE nexus")
        environment = {**os.environ, "DATABASE_URL": self.url}
        subprocess.run([sys.executable, "manage.py", "migrate"], cwd=ROOT, env=environment,
                       check=True, capture_output=True)  # fmt: skip

    def stop(self) -> None:
        self.server.send_signal(signal.SIGINT)
        self.server.wait(20)

    def start(self) -> None:
        self.server = subprocess.Popen(self.server.args)

    def freeze(self) -> None:
        for process in self._tree():
            with suppress(psutil.NoSuchProcess):  # a backend whose client has just left
                process.suspend()

    def thaw(self) -> None:
        for process in self._tree():
            with suppress(psutil.NoSuchProcess):
                process.resume()

    def _tree(self) -> list[psutil.Process]:
        server = psutil.Process(self.server.pid)
        return [server, *server.children(recursive=True)]

    def answer(self, statement: str, *parameters: object) -> object:
        """The first column of the first row, None when there is none or no database."""
        try:
            with psycopg.connect(self.url, connect_timeout=2, autocommit=True) as connection:
                row = connection.execute(statement, parameters).fetchone()
        except psycopg.OperationalError:
            return None
        return row and row[0]

    def heartbeat(self, program: Program) -> object:
        return self.answer(
            "SELECT heartbeat_at FROM processes_process WHERE pid = %s AND gone_at IS NULL",
            program.pid,
        )

    def told(self, name: str) -> dict:
        """Broadcast a command and wait for the answer of the one process."""
        command = uuid.uuid4()
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(
                "INSERT INTO processes_command (id, name, payload) VALUES (%s, %s, '{}')",
                [command, name],
            )
        question = "SELECT answer FROM processes_acknowledgement WHERE command_id = %s"
        return until(lambda: self.answer(question, command), seconds=20)

    def notify(self, channel: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("SELECT pg_notify(%s, '')", [channel])


@pytest.fixture(scope="module")
def database(tmp_path_factory) -> Iterator[Database]:
    database = Database(tmp_path_factory.mktemp("outage"))
    yield database
    database.stop()


@pytest.fixture
def program(database, tmp_path) -> Iterator[Program]:
    program = Program("web", log=tmp_path / "log", DATABASE_URL=database.url)
    yield program
    program.kill()


def works(database: Database, program: Program) -> bool:
    """Whether its heart beats, it hears commands, and NOTIFY wakes its loops."""
    before = until(lambda: database.heartbeat(program), seconds=30)
    until(lambda: (database.heartbeat(program) or before) > before, seconds=30)
    assert database.told("test.echo") == {"pid": program.pid}

    def woken() -> bool:
        turns = database.told("test.turns")["turns"]
        database.notify("test.turn")
        return database.told("test.turns")["turns"] > turns

    return until(woken, seconds=30, interval=0.2)


def test_a_process_started_before_its_database_joins_when_it_is_there(database, tmp_path):
    database.stop()
    program = Program("web", log=tmp_path / "log", DATABASE_URL=database.url)
    try:
        until(lambda: program.log.read_text().count("Connection refused") > 2, seconds=30)
        database.start()
        assert works(database, program)
        assert program.process.poll() is None
    finally:
        program.kill()


def test_it_recovers_from_a_restart(database, program):
    assert works(database, program)
    database.stop()
    database.start()
    assert works(database, program)
    log = program.log.read_text()
    assert log.count("loop processes.heartbeat failed") <= 3
    assert "can't hear NOTIFY" in log


def test_it_recovers_from_a_freeze(database, program):
    assert works(database, program)
    database.freeze()
    try:
        until(lambda: "did not answer within" in program.log.read_text(), seconds=30)
    finally:
        database.thaw()
    assert works(database, program)


def test_it_signs_off_and_ends_though_the_database_is_frozen(database, program):
    assert works(database, program)
    database.freeze()
    try:
        program.stop()
    finally:
        database.thaw()
    assert program.process.returncode == 0
