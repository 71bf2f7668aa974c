"""The same operations from coroutines, which nothing here may block."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from tests.cache.conftest import taken_up


def test_every_operation_has_its_own(cache):
    async def all_of_them() -> None:
        assert await cache.aget("a", "default") == "default"
        await cache.aset("a", 1)
        assert await cache.aget("a") == 1
        assert await cache.aget("a") == 1
        assert await cache.aadd("a", 2) is False
        assert await cache.aset_many({"b": 2, "c": 3}) == []
        assert await cache.aget_many(["a", "b", "x"]) == {"a": 1, "b": 2}
        assert await cache.ahas_key("c") is True
        assert await cache.atouch("c", 100) is True
        assert await cache.aincr("a") == 2
        assert await cache.adecr("a", 2) == 0
        assert await cache.aincr_version("b") == 2
        assert await cache.adecr_version("b", version=2) == 1
        assert await cache.adelete("b") is True
        await cache.adelete_many(["c"])
        assert await cache.aget_or_set("d", lambda: 4) == 4
        await cache.aclear()
        assert await cache.aget("d") is None
        with pytest.raises(ValueError):
            await cache.aincr("nothing")
        await cache.aclose()

    asyncio.run(all_of_them())


def test_what_this_process_knows_needs_no_thread(cache, monkeypatch):
    cache.set("key", "value")
    taken_up(cache, "key")
    monkeypatch.setattr(asyncio, "to_thread", None)
    assert asyncio.run(cache.aget("key")) == "value"


def test_a_frozen_server_does_not_stop_the_loop(own_cache, own_server):
    async def longest_pause() -> float:
        reading = asyncio.create_task(own_cache.aget("key"))
        longest = 0.0
        while not reading.done():
            began = time.monotonic()
            await asyncio.sleep(0.01)
            longest = max(longest, time.monotonic() - began)
        return longest

    with own_server.frozen():
        assert asyncio.run(longest_pause()) < 0.3


def test_it_computes_once_for_all_coroutines(cache):
    calls: list[int] = []

    def slowly() -> int:
        calls.append(1)
        threading.Event().wait(0.05)
        return len(calls)

    async def many() -> list[int]:
        return await asyncio.gather(*(cache.aget_or_set("key", slowly) for _ in range(8)))

    assert asyncio.run(many()) == [1] * 8
