"""A revoked key is refused by every process within a second, with and without Valkey."""

from __future__ import annotations

from contextlib import nullcontext

import pytest

from tests.stack import Stack
from tests.storms.asking import at_once
from tests.waiting import until

CONNECTIONS = 24  # enough to reach every web process


@pytest.mark.parametrize("server", [None, "cache"], ids=["valkey up", "valkey stopped"])
def test_a_revoked_key_is_refused_everywhere_within_a_second(stack: Stack, server: str | None):
    stack.healthy()
    with stack.client() as owner, stack.stopped(server) if server else nullcontext():
        made = owner.post("/keys", json={"name": "to be revoked", "scopes": ["read:system"]})
        assert made.status_code == 201, made.text
        key, address = made.json()["data"]["key"], made.headers["location"]

        def ask() -> int:
            with stack.client(key=key) as client:
                return client.get("/status").status_code

        until(lambda: set(at_once(CONNECTIONS, ask)) == {200})
        assert owner.delete(stack.url + address).status_code == 204
        until(lambda: set(at_once(CONNECTIONS, ask)) == {401}, seconds=1)
        for _ in range(3):
            assert set(at_once(CONNECTIONS, ask)) == {401}
    stack.healthy()
