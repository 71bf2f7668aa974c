"""What one process writes, the others see: soon while they are told, late when they are not."""

from __future__ import annotations

import statistics
import time

import pytest
from django.core.cache import caches

from core import options
from tests.cache.conftest import coherent, held, taken_up
from tests.waiting import until


@pytest.fixture
def other(cache, others):
    return others()


WRITES = {
    "set": ("set", ["key", "new"]),
    "set_many": ("set_many", [{"key": "new"}]),
    "delete": ("delete", ["key"]),
    "delete_many": ("delete_many", [["key"]]),
    "touch away": ("touch", ["key", 0]),
    "clear": ("clear", []),
}


@pytest.mark.parametrize("write", WRITES)
def test_a_write_elsewhere_is_seen_here(cache, other, write):
    cache.set("key", "old")
    taken_up(cache, "key")
    other.do(WRITES[write][0], *WRITES[write][1])
    until(lambda: cache.get("key") != "old", seconds=1)
    assert cache.get("key") == ("new" if "set" in write else None)


def test_a_count_elsewhere_is_seen_here(cache, other):
    cache.set("key", 1)
    taken_up(cache, "key")
    other.do("incr", "key")
    until(lambda: cache.get("key") == 2, seconds=1)


def test_a_write_here_is_seen_elsewhere_within_100_ms(cache, other):
    lags = []
    for number in range(30):
        cache.set("key", f"old{number}")
        other.do("take_up", "key")
        other.ask("watch", "key", f"new{number}")
        began = time.monotonic()
        cache.set("key", f"new{number}")
        lags.append(other.answer() - began)
    assert statistics.median(lags) < 0.1


def test_a_writer_sees_its_own_write_at_once(cache):
    for number in range(200):
        cache.set("key", number)
        assert cache.get("key") == number
        assert cache.get("key") == number


def test_what_expires_on_the_server_is_forgotten_here(cache, one_server):
    cache.set("key", "value")
    taken_up(cache, "key")
    one_server.client.pexpire(cache.make_key("key"), 50)
    until(lambda: cache.get("key") is None, seconds=2)


@pytest.mark.parametrize("flush", ["flushall", "flushdb"])
def test_a_flush_of_the_server_is_seen(cache, one_server, flush):
    cache.set("key", "value")
    taken_up(cache, "key")
    getattr(one_server.client, flush)()
    until(lambda: cache.get("key") is None, seconds=1)


def test_no_stale_value_stays_however_reads_and_writes_fall(cache, other):
    """Readers fill their memory while a writer changes the value: the last one must win."""
    for number in range(100):
        other.ask("get", "key")
        cache.set("key", number)
        cache.get("key")
        other.answer()
    until(lambda: other.do("get", "key") == 99, seconds=2)
    assert cache.get("key") == 99


def test_other_keys_of_the_server_concern_nobody(cache, one_server):
    cache.set("key", "value")
    taken_up(cache, "key")
    before = cache.levels.counts.invalidations
    one_server.client.set("nexus:limit:key", 1)
    one_server.client.set("nexus:cache:another:1:key", 1)
    assert held(cache, "key")
    assert cache.levels.counts.invalidations == before


def test_a_lost_connection_empties_the_memory(cache, one_server):
    cache.set("key", "old")
    taken_up(cache, "key")
    losses = cache.levels.channel.losses
    kill_channels(one_server)
    until(lambda: cache.levels.channel.losses > losses)
    until(lambda: cache.levels.channel.connected)
    assert not held(cache, "key")
    assert taken_up(cache, "key") == "old"


def test_while_nobody_tells_it_nothing_is_kept(cache, one_server, monkeypatch):
    cache.set("key", "old")
    taken_up(cache, "key")
    monkeypatch.setattr(cache.levels.channel, "_connect", refuse)
    kill_channels(one_server)
    until(lambda: not cache.levels.channel.connected)
    one_server.client.set(cache.make_key("key"), cache.levels.shared.encode("new"))
    assert [cache.get("key") for _ in range(3)] == ["new"] * 3
    one_server.client.delete(cache.make_key("key"))
    assert cache.get("key") is None


def refuse(*args):
    raise ConnectionError("refused by the test")


def kill_channels(server) -> None:
    for client in server.client.client_list():
        if "B" in client["flags"] or "t" in client["flags"]:
            server.client.client_kill(client["addr"])


def test_a_server_that_can_not_tell_is_used_without_a_memory(own_cache, own_server):
    own_cache.levels.channel.stop()
    own_server.client.acl_setuser(
        "plain", enabled=True, passwords=["+secret"], keys=["*"],
        categories=["+@all"], commands=["-client|tracking"],
    )  # fmt: skip
    url = own_server.url.replace("//:tests@", "//plain:secret@")
    backend = type(own_cache)(url, {"KEY_PREFIX": "nexus:cache:plain"})
    backend.set("key", "value")
    assert backend.get("key") == "value"
    until(lambda: backend.levels.channel.state == "unsupported")
    assert [backend.get("key") for _ in range(3)] == ["value"] * 3
    assert len(backend.levels.local) == 0
    backend.levels.channel.stop()


def test_a_forked_child_begins_anew(cache, other):
    cache.set("key", "value")
    held_before, counted, found, state = other.do("in_child", "key")
    assert (held_before, counted) == (False, 0)
    assert (found, state) == ("value", "tracking")


@pytest.mark.option("cache.l1_ttl_seconds")
def test_a_process_nobody_tells_is_wrong_for_no_longer_than_the_ttl(cache, one_server):
    with options.replaced({"cache.l1_ttl_seconds": 0.3}):
        cache.set("key", "old")
        taken_up(cache, "key")
        cache.levels.channel.stop()
        one_server.client.set(cache.make_key("key"), cache.levels.shared.encode("new"))
        until(lambda: cache.get("key") == "new", seconds=1)


def test_every_thread_uses_the_same_memory(cache):
    assert caches["second"].levels is cache.levels
    assert coherent().levels is cache.levels
    assert caches["neighbour"].levels is not cache.levels
