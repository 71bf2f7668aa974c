"""The pool of connections outlives the server's restarts, short ones and long ones."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from django.db import DatabaseError, connection
from django.db.backends.postgresql.base import DatabaseWrapper
from psycopg.conninfo import conninfo_to_dict

from tests import servers
from tests.waiting import until

SIZE = 8
POOLED = "FROM pg_stat_activity WHERE application_name = 'nexus'"
WAIT_SECONDS = connection.settings_dict["OPTIONS"]["pool"]["timeout"]


class Server:
    """A PostgreSQL of these tests alone, and a pool of this process to it."""

    alias = "restarted"

    def __init__(self, folder: Path) -> None:
        self.process, url = servers.start_postgres(folder)
        self.url = url.removesuffix("nexus") + "postgres"
        address = conninfo_to_dict(self.url)
        self._settings = {
            **connection.settings_dict,
            "NAME": address["dbname"],
            "HOST": address["host"],
            "PORT": address["port"],
            "USER": address["user"],
            "PASSWORD": address["password"],
        }

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)
        self.process.wait(20)

    def start(self) -> None:
        self.process = subprocess.Popen(self.process.args)
        until(self.accepts, seconds=30)

    def restart(self) -> None:
        self.stop()
        self.start()

    def cut(self) -> None:
        """Close every connection of the pool, as a restart does."""
        with psycopg.connect(self.url, autocommit=True) as own:
            own.execute(f"SELECT pg_terminate_backend(pid) {POOLED}")

    def backends(self) -> list[int]:
        """The processes that serve the pool."""
        with psycopg.connect(self.url) as own:
            rows = own.execute(f"SELECT pid {POOLED}")
            return [row[0] for row in rows]

    def accepts(self) -> bool:
        with suppress(psycopg.OperationalError):
            psycopg.connect(self.url).close()
            return True
        return False

    def connection(self) -> DatabaseWrapper:
        """As each thread has one: open until it is closed, which gives it back to the pool."""
        return DatabaseWrapper(self._settings, alias=self.alias)

    def fill(self, size: int) -> None:
        """Leave at least that many idle connections in the pool."""
        held = [self.connection() for _ in range(size)]
        for each in held:
            each.ensure_connection()
        for each in held:
            each.close()

    def served_by(self) -> int:
        """Ask it through the pool, as a request does; returns the process that answered."""
        own = self.connection()
        try:
            with own.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                return cursor.fetchone()[0]
        finally:
            own.close()

    def answers(self) -> bool:
        with suppress(DatabaseError):
            return self.served_by() > 0
        return False


@pytest.fixture(scope="module")
def machine(tmp_path_factory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("restarted"))
    yield server
    server.stop()


@pytest.fixture
def server(machine, django_db_blocker) -> Iterator[Server]:
    with django_db_blocker.unblock():
        yield machine
        machine.connection().close_pool()


@pytest.fixture(params=[Server.restart, Server.cut], ids=["restart", "cut"])
def lose(request) -> Callable[[Server], None]:
    """Makes every connection of the pool a dead one."""
    return request.param


def test_the_first_query_after_a_restart_is_answered_at_once(server, lose):
    server.fill(SIZE)
    lose(server)
    began = time.monotonic()
    assert server.answers()
    assert time.monotonic() - began < WAIT_SECONDS / 2


def test_a_crowd_after_a_restart_is_answered_at_once(server, lose):
    server.fill(SIZE)
    lose(server)
    with ThreadPoolExecutor(2 * SIZE) as crowd:
        asked = [crowd.submit(server.answers) for _ in range(4 * SIZE)]
        assert all(each.result() for each in asked)


def test_one_that_is_found_dead_later_costs_the_new_ones_nothing(server, lose):
    server.fill(SIZE)
    late = server.connection()
    late.ensure_connection()
    lose(server)
    server.served_by()
    server.fill(SIZE)
    before = server.backends()
    with pytest.raises(DatabaseError):
        late.cursor().execute("SELECT 1")
    late.close()
    assert len(before) >= SIZE
    assert set(before) <= set(server.backends())


def test_it_is_answered_again_as_soon_as_a_long_outage_is_over(server):
    server.fill(1)
    server.stop()
    try:
        for _ in range(4):
            assert not server.answers()
    finally:
        server.start()
    assert server.answers()
