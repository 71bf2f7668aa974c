"""`get_or_set` computes a value once, though many need it at the same moment."""

from __future__ import annotations

import os
import threading
import time

import pytest

from core import options
from core.cache import computing
from tests.waiting import until


def in_threads(number, function):
    found: list[object] = []

    def run() -> None:
        try:
            found.append(function())
        except Exception as error:
            found.append(error)

    threads = [threading.Thread(target=run) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_once_for_all_threads_of_a_process(cache):
    calls: list[int] = []

    def slowly() -> int:
        calls.append(1)
        threading.Event().wait(0.1)
        return len(calls)

    assert in_threads(10, lambda: cache.get_or_set("key", slowly)) == [1] * 10


def test_once_for_all_processes(cache, others):
    processes = [others() for _ in range(3)]
    cache.set("mark", 0)
    for each in processes:
        each.ask("compute", "key", 0.5, "mark")
    found = [value for each in processes for value in each.answer()]
    assert len(found) == 12
    assert len(set(found)) == 1
    assert cache.get("mark") == 1


def test_it_leaves_no_mark(cache, one_server):
    cache.get_or_set("key", lambda: 1)
    assert one_server.names() == [cache.make_key("key")]
    assert computing._turns == {}


def test_clearing_does_not_end_the_exclusion(cache, one_server):
    seen = []

    def compute() -> int:
        cache.clear()
        seen.extend(one_server.names())
        return 1

    cache.get_or_set("key", compute)
    assert seen == [computing.OWN + cache.make_key("key")]


def test_when_one_fails_the_next_one_tries(cache, one_server):
    calls: list[int] = []

    def fail_once() -> int:
        calls.append(1)
        if len(calls) == 1:
            raise ZeroDivisionError
        return 5

    found = in_threads(3, lambda: cache.get_or_set("key", fail_once))
    assert sorted(map(str, found)) == ["", "5", "5"]
    assert len(calls) == 2
    assert one_server.names() == [cache.make_key("key")]


def test_an_owner_who_was_killed_keeps_nobody_for_long(cache, others):
    other = others()
    cache.set("mark", 0)
    other.ask("compute", "key", 60, "mark")
    until(lambda: cache.get("mark") == 1)
    other.end()
    with options.replaced({"cache.compute_wait_seconds": 0.3}):
        began = time.monotonic()
        assert cache.get_or_set("key", os.getpid) == os.getpid()
    assert time.monotonic() - began < 1.0


@pytest.mark.option("cache.compute_wait_seconds")
@pytest.mark.parametrize("seconds", [0.2, 0.6])
def test_nobody_waits_for_longer_than_chosen(cache, seconds):
    with options.replaced({"cache.compute_wait_seconds": seconds}):
        ended = threading.Event()
        slow = threading.Thread(
            target=cache.get_or_set, args=("key", lambda: ended.wait(10) and "slow")
        )
        slow.start()
        until(lambda: computing._turns)
        began = time.monotonic()
        assert cache.get_or_set("key", lambda: "own") == "own"
        assert seconds <= time.monotonic() - began < seconds + 0.4
        ended.set()
        slow.join()
    assert cache.get("key") == "own"  # the first one that was set stays


def test_a_computation_that_asks_for_its_own_key_ends(cache):
    found = cache.get_or_set("key", lambda: cache.get_or_set("key", lambda: 1))
    assert found == 1


def test_a_value_that_somebody_sets_meanwhile_wins(cache):
    def compute() -> str:
        cache.set("key", "set")
        return "computed"

    assert cache.get_or_set("key", compute) == "set"


def test_without_the_server_once_for_all_threads(own_cache, own_server):
    own_server.stop()
    own_cache.get("key")
    calls: list[int] = []

    def slowly() -> int:
        calls.append(1)
        threading.Event().wait(0.1)
        return len(calls)

    assert in_threads(10, lambda: own_cache.get_or_set("key", slowly)) == [1] * 10


def test_a_server_that_goes_away_during_the_computation_harms_nobody(own_cache, own_server):
    def compute() -> int:
        own_server.stop()
        return 7

    assert own_cache.get_or_set("key", compute) == 7
