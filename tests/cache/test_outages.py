"""The server stopped or frozen: nothing raises, nobody waits twice, no value returns."""

from __future__ import annotations

import threading
import time
from contextlib import suppress

import pytest
from django.core.cache import caches

from core import options
from core.cache import levels
from core.cache.shared import MOST_OWED
from tests.cache.conftest import configured, taken_up
from tests.waiting import until


@pytest.fixture(params=["stopped", "frozen"])
def outage(request, own_cache, own_server):
    """Called, it takes the server away; its `end` brings it back."""
    if request.param == "frozen":
        return Frozen(own_server, own_cache)
    return Stopped(own_server, own_cache)


class Stopped:
    keeps_values = False

    def __init__(self, server, cache) -> None:
        self.server, self.cache = server, cache

    def begin(self) -> None:
        self.server.stop()

    def end(self) -> None:
        self.server.start()
        self.recovered()

    def recovered(self) -> None:
        until(lambda: not self.cache.levels.shared.is_down and self.cache.levels.channel.connected)


class Frozen(Stopped):
    keeps_values = True

    def begin(self) -> None:
        self.context = self.server.frozen()
        self.context.__enter__()

    def end(self) -> None:
        self.context.__exit__(None, None, None)
        self.recovered()


def timed(call, *arguments):
    began = time.monotonic()
    found = call(*arguments)
    return found, time.monotonic() - began


def test_every_operation_answers_and_only_the_first_one_waits(own_cache, outage):
    own_cache.set("known", 1)
    outage.begin()
    first, seconds = timed(own_cache.get, "unknown")
    assert first is None
    assert seconds < 1.2
    operations = [
        ("get", ["unknown"], None), ("get_many", [["a", "b"]], {}), ("has_key", ["a"], False),
        ("set", ["a", 1], None), ("set_many", [{"b": 1, "c": 2}], ["b", "c"]),
        ("add", ["d", 1], True), ("add", ["d", 1], False), ("delete", ["unknown"], False),
        ("delete_many", [["x", "y"]], None), ("touch", ["x"], False), ("clear", [], None),
        ("get_or_set", ["e", lambda: 5], 5),
    ]  # fmt: skip
    for name, arguments, expected in operations:
        found, seconds = timed(getattr(own_cache, name), *arguments)
        assert found == expected, name
        assert seconds < 0.3, name
    with pytest.raises(ValueError):
        own_cache.incr("unknown")


def test_threads_wait_once_and_not_one_after_the_other(own_cache, outage):
    outage.begin()
    began = time.monotonic()
    threads = [threading.Thread(target=own_cache.get, args=(f"key{n}",)) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert time.monotonic() - began < 1.5


def test_what_this_process_knows_is_served(own_cache, outage):
    own_cache.set("key", {"a": 1})
    taken_up(own_cache, "key")
    outage.begin()
    own_cache.get("unknown")
    assert own_cache.get("key") == {"a": 1}
    until(lambda: not own_cache.levels.channel.connected)
    assert own_cache.get("key") == {"a": 1}


def test_what_is_written_meanwhile_is_known_here_for_a_moment(own_cache, outage):
    outage.begin()
    own_cache.get("unknown")
    own_cache.set("key", [1])
    own_cache.set("number", 1)
    assert (own_cache.get("key"), own_cache.incr("number")) == ([1], 2)
    assert own_cache.delete("key") is True
    assert own_cache.get("key") is None
    until(lambda: own_cache.get("number") is None, seconds=5)


def test_it_comes_back_by_itself(own_cache, outage, own_server):
    outage.begin()
    own_cache.get("unknown")
    assert own_cache.levels.shared.is_down
    outage.end()
    own_cache.set("key", "value")
    assert own_server.client.exists(own_cache.make_key("key"))


@pytest.mark.parametrize("write", ["set", "delete", "clear", "touch", "incr"])
def test_no_value_comes_back_that_was_written_or_deleted_meanwhile(
    own_cache, own_server, others, write
):
    other = others()
    own_cache.set("key", 1)
    with own_server.frozen():
        own_cache.get("unknown")
        operation = getattr(own_cache, write)
        arguments = {"set": ["key", 2], "clear": [], "touch": ["key", 0]}.get(write, ["key"])
        with suppress(ValueError):
            operation(*arguments)
    until(lambda: not own_cache.levels.shared.is_down)
    assert own_cache.get("key") in (None, 2)
    until(lambda: other.do("get", "key") in (None, 2), seconds=5)


def test_more_than_can_be_remembered_is_paid_by_clearing_all(own_cache, own_server):
    own_cache.set_many({f"key{number}": 1 for number in range(MOST_OWED + 10)})
    own_server.client.set("nexus:limit:somebody", 1)
    with own_server.frozen():
        own_cache.get("unknown")
        own_cache.delete_many([f"key{number}" for number in range(MOST_OWED + 1)])
    until(lambda: not own_cache.levels.shared.is_down)
    assert own_server.names() == ["nexus:limit:somebody"]


def test_a_stop_of_the_channel_alone_is_no_outage(own_cache, own_server):
    own_cache.levels.shared.failed(TimeoutError("one slow answer"))
    until(lambda: not own_cache.levels.shared.is_down, seconds=3)
    own_cache.set("key", 1)
    assert own_server.client.exists(own_cache.make_key("key"))


def test_a_write_the_server_refuses_leaves_no_old_value(own_cache, own_server):
    own_cache.set("key", "old")
    own_server.client.config_set("maxmemory-policy", "noeviction")
    own_server.client.config_set("maxmemory", "1mb")
    assert own_cache.set_many({"key": "x" * 2_000_000}) == ["key"]
    assert own_cache.get("key") is None
    assert not own_cache.levels.shared.is_down
    assert own_cache.levels.counts.refusals == 1
    own_server.client.config_set("maxmemory", "0")
    own_cache.set("key", "new")
    assert own_cache.get("key") == "new"


def test_a_key_that_holds_something_else_is_a_miss(own_cache, own_server):
    own_server.client.lpush(own_cache.make_key("list"), "x")
    own_server.client.set(own_cache.make_key("broken"), b"\x80\x05cgone.module\nGone\n.")
    assert own_cache.get("list", "default") == "default"
    assert own_cache.get("broken", "default") == "default"
    assert not own_cache.levels.shared.is_down


@pytest.mark.option("cache.l2_timeout_seconds")
@pytest.mark.parametrize(("seconds", "least", "most"), [(0.05, 0.04, 0.4), (1.0, 0.9, 1.6)])
def test_how_long_the_first_call_waits_can_be_chosen(own_cache, own_server, seconds, least, most):
    with options.replaced({"cache.l2_timeout_seconds": seconds}):
        own_cache.get("key")
        with own_server.frozen():
            _, waited = timed(own_cache.get, "key")
        assert least < waited < most


def test_who_only_deletes_finds_the_server_back_too(own_server, settings):
    configured(own_server, settings)
    backend = caches["default"]
    try:
        assert backend.levels.channel.state == "unused"
        own_server.stop()
        backend.delete("key")
        assert backend.levels.shared.is_down
        own_server.start()
        until(lambda: not backend.levels.shared.is_down)
    finally:
        levels.forget()


def test_a_write_in_the_moment_of_the_return_reaches_the_server(own_cache, own_server):
    shared = own_cache.levels.shared
    own_cache.set("key", "old")
    shared.failed(OSError("gone"))
    until(lambda: not shared.is_down)
    shared.is_down = True  # as seen by a writer that the recovery overtakes
    shared._lock = Overtaken(shared, shared._lock)
    own_cache.set("key", "new")
    assert shared._owed == {}
    assert own_cache.get("key") == "new"


class Overtaken:
    """A lock for which the server is found back while somebody waits for it."""

    def __init__(self, shared, lock) -> None:
        self.shared, self.lock = shared, lock

    def __enter__(self):
        self.lock.acquire()
        self.shared.is_down = False

    def __exit__(self, *raised) -> None:
        self.lock.release()
