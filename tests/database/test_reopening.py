"""The pool of a process is replaced, or its connections are, and nobody fails for it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from django.db import connection, connections

from core import database
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)

POOLED = "SELECT pid FROM pg_stat_activity WHERE application_name = 'nexus' AND datname = %s"


def served_by() -> int:
    """As a request: asks through the pool and gives the connection back."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            return cursor.fetchone()[0]
    finally:
        connection.close()


def backends() -> set[int]:
    """The server's processes that serve the pool of the test's database."""
    given = connection.settings_dict
    with psycopg.connect(
        host=given["HOST"], port=given["PORT"], user=given["USER"],
        password=given["PASSWORD"], dbname="postgres",
    ) as own:  # fmt: skip
        return {row[0] for row in own.execute(POOLED, [given["NAME"]])}


@pytest.fixture
def small_pool() -> Iterator[None]:
    """There is room for two connections."""
    options = connection.settings_dict["OPTIONS"]["pool"]
    before = options["max_size"]
    connection.close()
    options["max_size"] = 2
    database.reopen_pool()
    yield
    options["max_size"] = before
    database.reopen_pool()


def test_every_connection_is_a_new_one():
    served_by()
    before, pool = backends(), connection.pool
    database.reopen_pool()
    assert connection.pool is not pool
    assert served_by() not in before
    until(lambda: pool.closed)
    until(lambda: not before & backends())


def test_a_crowd_of_requests_meanwhile_has_no_error():
    ended = threading.Event()

    def ask() -> int:
        answers = 0
        while not ended.is_set():
            answers += served_by() > 0
        return answers

    with ThreadPoolExecutor(8) as crowd:
        asking = [crowd.submit(ask) for _ in range(8)]
        for _ in range(20):
            database.reopen_pool()
            served_by()
        ended.set()
        assert all(each.result() for each in asking)


def test_who_waits_for_a_connection_of_the_old_pool_gets_one(small_pool):
    held = [connections.create_connection("default") for _ in range(2)]
    for each in held:
        each.ensure_connection()
    pool = connection.pool
    with ThreadPoolExecutor(1) as crowd:
        waiting = crowd.submit(served_by)
        until(lambda: pool.get_stats()["requests_waiting"] == 1)
        database.reopen_pool()
        assert not waiting.done()
        held[0].close()
        assert waiting.result() > 0
    held[1].close()


def test_a_transaction_under_way_goes_on():
    own = connections.create_connection("default")
    own.set_autocommit(False)
    with own.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        database.reopen_pool()
        until(lambda: own.connection._pool.closed)
        cursor.execute("SELECT pg_backend_pid()")
        pid = cursor.fetchone()[0]
    own.rollback()
    own.close()
    until(lambda: pid not in backends())


def test_a_drained_pool_has_only_new_connections():
    served_by()
    before, pool = backends(), connection.pool
    database.drain_pool()
    assert connection.pool is pool
    assert served_by() not in before
    until(lambda: not before & backends())
