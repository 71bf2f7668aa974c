"""Keys of a whole instance: several processes, a database that freezes, a cache that is gone."""

from __future__ import annotations

import time

import pytest

from tests.stack import Stack
from tests.waiting import until

pytestmark = pytest.mark.timeout(180)
CALLS = 24  # enough to reach every web process


def new_key(stack: Stack) -> str:
    made = stack.run("manage.py", "apikey", "create", "test", "--scope", "read:system")
    return made.stdout.splitlines()[-1]


def statuses(stack: Stack, key: str, path: str = "/status", calls: int = CALLS) -> set[int]:
    """Each call on a connection of its own, so that each process gets some."""
    found = set()
    for _ in range(calls):
        with stack.client(key=key) as client:
            found.add(client.get(f"{stack.api}{path}").status_code)
    return found


def revoke(stack: Stack, key: str) -> None:
    with stack.client() as client:
        listed = client.get(f"{stack.api}/keys", params={"limit": 500}).json()["data"]["keys"]
        (found,) = [each["id"] for each in listed if key.startswith(each["prefix"])]
        assert client.delete(f"{stack.api}/keys/{found}").status_code == 204


def test_a_revoked_key_is_refused_by_every_process_within_a_second(stack: Stack):
    stack.healthy()
    key = new_key(stack)
    assert statuses(stack, key) == {200}
    revoke(stack, key)
    revoked = time.monotonic()
    until(lambda: statuses(stack, key, calls=4) == {401}, seconds=1.0)
    assert time.monotonic() - revoked < 1.5
    assert statuses(stack, key) == {401}


def test_with_valkey_frozen_a_revoked_key_is_refused_all_the_same(stack: Stack):
    stack.healthy()
    key = new_key(stack)
    assert statuses(stack, key) == {200}
    with stack.frozen("cache"):
        revoke(stack, key)
        until(lambda: statuses(stack, key, calls=6) == {401}, seconds=5.0)
        assert statuses(stack, key) == {401}


def test_with_the_database_frozen_a_key_seen_lately_still_gets_the_status(stack: Stack):
    stack.healthy()
    assert statuses(stack, stack.key) == {200}
    with stack.frozen("postgres"), stack.client() as client:
        for _ in range(CALLS):
            asked = time.monotonic()
            answer = client.get(f"{stack.api}/status")
            assert answer.status_code == 200
            assert time.monotonic() - asked < 4.0
    stack.healthy()


def test_the_use_of_a_key_is_written_within_a_minute(stack: Stack):
    stack.healthy()
    key = new_key(stack)
    assert statuses(stack, key, calls=1) == {200}

    def used() -> bool:
        with stack.client() as client:
            keys = client.get(f"{stack.api}/keys", params={"limit": 500}).json()["data"]["keys"]
            return any(key.startswith(each["prefix"]) and each["last_used_at"] for each in keys)

    until(used, seconds=40.0, interval=1.0)
