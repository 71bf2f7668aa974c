"""A whole instance: a change is in use in each of its processes, and harm takes it back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import httpx
import psycopg
import pytest

from tests.processes.test_instance import PARTS, parts
from tests.stack import Stack
from tests.waiting import until

WITHIN = timedelta(seconds=2)
KEY = "alerts.keep_days"
# How long the slowest process took to load a revision; null until all have.
LOADED = """
    SELECT max(answered.created_at - asked.created_at)
    FROM processes_command AS asked JOIN processes_acknowledgement AS answered
        ON answered.command_id = asked.id AND answered.error = ''
        AND (answered.answer->>'revision')::bigint >= %(revision)s
    WHERE asked.name = 'config.load' AND asked.payload->>'revision' = %(revision)s::text
    HAVING count(*) >= (
        SELECT count(*) FROM processes_process WHERE stopped_at IS NULL AND gone_at IS NULL
    )
"""


@pytest.fixture
def api(stack: Stack) -> Iterator[httpx.Client]:
    """A client; what a test has set is taken away after it."""
    stack.healthy()
    until(lambda: parts(stack) == PARTS, seconds=30)
    with stack.client() as client:
        yield client
        stack.healthy()
        client.put("/config", json={KEY: None}).raise_for_status()


def changed(api: httpx.Client, days: int, **query: int) -> dict:
    answer = api.put("/config", json={KEY: days}, params=query)
    assert answer.status_code == 200, answer.text
    assert answer.json()["data"]["updated_keys"] == [KEY]
    return answer.json()["data"]


def days(api: httpx.Client) -> int:
    return api.get("/config", params={"section": "alerts"}).json()["data"]["alerts"]["keep_days"]


def took(stack: Stack, revision: int) -> timedelta:
    with psycopg.connect(stack.kept["DATABASE_URL"], autocommit=True) as connection:
        [slowest] = until(
            lambda: connection.execute(LOADED, {"revision": revision}).fetchone(), seconds=20
        )
    return slowest


def test_every_process_uses_a_change_within_two_seconds(api, stack):
    assert took(stack, changed(api, 100)["revision"]) < WITHIN
    assert days(api) == 100


def test_also_while_valkey_is_down(api, stack):
    with stack.stopped("cache"):
        assert took(stack, changed(api, 101)["revision"]) < WITHIN


def test_a_command_sets_and_reads_it_too(api, stack):
    assert (
        stack.run("manage.py", "config", "set", f"{KEY}=102", "--reason", "a test").returncode == 0
    )
    assert stack.run("manage.py", "config", "get", KEY).stdout == "102\n"
    assert days(api) == 102


def test_a_watched_change_is_taken_back_when_the_database_hangs(api, stack):
    before = days(api)
    number = until(lambda: watched_database(api), seconds=20, interval=0.5)
    with stack.frozen("postgres"):
        until(lambda: stack.health() == 503, seconds=30)
    stack.healthy()
    path = f"/config/revisions/{number}"
    watch = until(lambda: _ended(api.get(path).json()["data"]["watch"]), seconds=60)
    assert watch["state"] == "reverted"
    assert days(api) == before
    assert "database turned unhealthy" in watch["outcome"]
    [alert] = [
        each
        for each in api.get("/alerts", params={"source": "config"}).json()["data"]["alerts"]
        if each["fingerprint"] == f"config.watch.{number}"
    ]
    assert alert["details"]["keys"] == [KEY]


def watched_database(api: httpx.Client) -> int | None:
    """The revision of a change that is watched; None where the database was not well yet."""
    made = changed(api, 103, watch=300)
    if made["watch"]["components"] == ["database"]:
        return made["revision"]
    api.post(f"/config/revisions/{made['revision']}/revert").raise_for_status()
    return None


def _ended(watch: dict) -> dict | None:
    return watch if watch["state"] != "watching" else None
