"""The metrics count every answer that a client got, once, whatever happens to web processes."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime

import psutil
import psycopg
import pytest

from tests.stack import Stack, running
from tests.storms.counting import Crowd
from tests.waiting import until

ROUTE = "api/v1/processes"
# 200, 400 and 404 of a route that nobody else asks, and the same route in another shape.
PATHS = [f"/{ROUTE}", f"/{ROUTE}?role=web", f"/{ROUTE}?role=nothing", f"/{ROUTE}?limit=1"]

BY_STATUS = """
    SELECT labels->>'status', sum(count)::bigint
    FROM metrics_minute JOIN metrics_labelset label_set ON label_set.id = label_set_id
    WHERE instrument = %s AND labels <> '{}' AND (%s::text IS NULL OR labels->>'route' = %s)
    GROUP BY 1
"""
TOTAL = """
    SELECT coalesce(sum(count), 0)::bigint
    FROM metrics_minute JOIN metrics_labelset label_set ON label_set.id = label_set_id
    WHERE instrument = %s AND labels = '{}'
"""
HAVE_WRITTEN = """
    SELECT coalesce(bool_and(EXISTS (SELECT 1 FROM metrics_source AS source
                                     WHERE source.pid = process.pid AND flushed_until > %s)), false)
    FROM processes_process AS process WHERE stopped_at IS NULL AND gone_at IS NULL
"""
DURATION, ERRORS = "http_request_duration_seconds", "http_request_errors"


class Database:
    """What the database of an instance says."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self.connection = connection

    def by_status(self, instrument: str, route: str | None = None) -> Counter[str]:
        rows = self.connection.execute(BY_STATUS, [instrument, route, route]).fetchall()
        return Counter(dict(rows))

    def total(self, instrument: str) -> int:
        return self.connection.execute(TOTAL, [instrument]).fetchone()[0]

    def settle(self) -> None:
        """Wait until every living process has written what it knew when this was called."""
        called = [datetime.now(UTC)]
        until(lambda: self.connection.execute(HAVE_WRITTEN, called).fetchone()[0], seconds=30)


@contextmanager
def database(stack: Stack) -> Iterator[Database]:
    with psycopg.connect(stack.kept["DATABASE_URL"], autocommit=True) as connection:
        yield Database(connection)


def storm(stack: Stack, *, requests: int) -> None:
    """Ask, meanwhile end one web process politely and reload all of them; compare the counts."""
    stack.healthy()
    assert (
        stack.run("manage.py", "config", "set", "server.requests_per_minute=600000").returncode == 0
    )
    with database(stack) as told, ThreadPoolExecutor(8) as pool:
        told.settle()
        before = told.by_status(DURATION, ROUTE)
        crowd = Crowd(stack, PATHS, requests)
        asking = crowd.start(pool)
        first = set(stack.children("web"))
        until(lambda: crowd.answered > requests * 0.2, seconds=120)
        end_politely(stack, min(first))
        until(lambda: crowd.answered > requests * 0.5, seconds=120)
        os.kill(stack.pid("web"), signal.SIGHUP)
        for each in asking:
            each.result()
        until(lambda: not first & set(stack.children("web")), seconds=60)
        told.settle()
        assert crowd.answered == requests
        assert told.by_status(DURATION, ROUTE) - before == crowd.answers
        consistent(told)


def end_politely(stack: Stack, pid: int) -> None:
    process = psutil.Process(pid)
    process.terminate()
    process.wait(20)


def consistent(told: Database) -> None:
    """The counts by status, the errors, and the totals say the same."""
    until(lambda: told.total(DURATION) == told.by_status(DURATION).total())
    errors = Counter({k: n for k, n in told.by_status(DURATION).items() if k >= "400"})
    assert told.by_status(ERRORS) == errors
    assert told.total(ERRORS) == errors.total()


def test_every_answer_is_counted_once(stack: Stack):
    storm(stack, requests=2000)
    stack.healthy()


@pytest.mark.storm
def test_every_answer_of_four_processes_is_counted_once():
    with running(NEXUS_WEB_WORKERS="4") as instance:
        storm(instance, requests=20_000)
