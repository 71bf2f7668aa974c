"""A process's own memory: bounded, never shared by reference, never older than it may be."""

from __future__ import annotations

import threading
import tracemalloc

import pytest

from core import options
from core.cache.counts import Counts
from core.cache.local import MISSING, Local
from tests.cache.conftest import held, taken_up
from tests.waiting import until

MIB = 2**20


@pytest.fixture
def local() -> Local:
    return Local(Counts())


def filled(local: Local, number: int, *, size: int = 1000, kind: str = "key") -> None:
    for each in range(number):
        local.put(f"{kind}{each}", "x" * size, b"", 60)


def test_a_value_changed_by_its_reader_stays_as_it_was_for_others(cache):
    cache.set("key", {"list": [1]})
    mine = taken_up(cache, "key")
    mine["list"].append(2)
    assert cache.get("key") == {"list": [1]}
    assert cache.get_many(["key"])["key"] is not cache.get("key")


def test_a_value_changed_by_its_writer_stays_as_it_was_when_set(cache):
    value = {"list": [1]}
    cache.set("key", value)
    value["list"].append(2)
    assert taken_up(cache, "key") == {"list": [1]}
    computed: list[int] = []
    assert cache.get_or_set("computed", lambda: computed) is computed
    computed.append(1)
    assert cache.get("computed") == []


def test_a_read_value_is_taken_up_and_read_without_the_server(cache, one_server):
    cache.set("key", "value")
    taken_up(cache, "key")
    before = one_server.client.info("commandstats")
    calls = before["cmdstat_mget"]["calls"]
    for _ in range(100):
        assert cache.get("key") == "value"
    assert one_server.client.info("commandstats")["cmdstat_mget"]["calls"] == calls


@pytest.mark.option("cache.l1_max_mib")
def test_it_takes_no_more_than_it_may(local):
    with options.replaced({"cache.l1_max_mib": 2}):
        filled(local, 5000)
        assert local.size <= 2 * MIB
        assert 900 < len(local) < 1500
        assert local._counts.evictions == 5000 - len(local)


@pytest.mark.option("cache.l1_max_mib")
def test_without_room_every_look_up_asks_the_server(cache):
    cache.set("key", "value")
    taken_up(cache, "key")
    with options.replaced({"cache.l1_max_mib": 0}):
        assert len(cache.levels.local) == 0  # trimmed when it was changed
        for _ in range(3):
            assert cache.get("key") == "value"
        assert not held(cache, "key")


@pytest.mark.parametrize(("number", "size"), [(20_000, 10), (4000, 1000), (100, 50_000)])
def test_its_reckoning_of_bytes_is_not_below_what_they_take(number, size):
    tracemalloc.start()
    try:
        local = Local(Counts())
        with options.replaced({"cache.l1_max_mib": 64}):
            before = tracemalloc.get_traced_memory()[0]
            filled(local, number, size=size)
            taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert len(local) == number
    assert taken <= local.size <= 2 * taken


def test_the_least_recently_read_goes_first(local):
    with options.replaced({"cache.l1_max_mib": 1}):
        filled(local, 300)
        for _ in range(100):
            filled(local, 50, kind="other")
            assert local.get("key0") is not MISSING
        filled(local, 600, kind="more")
        assert local.get("key1") is MISSING


def test_a_value_that_would_push_out_most_others_is_not_kept(local):
    with options.replaced({"cache.l1_max_mib": 1}):
        filled(local, 100)
        local.put("large", "x" * (MIB // 4), b"", 60)
        assert local.get("large") is MISSING
        assert len(local) == 100


@pytest.mark.option("cache.l1_ttl_seconds")
def test_it_keeps_nothing_for_longer_than_it_may(cache, one_server):
    with options.replaced({"cache.l1_ttl_seconds": 0.2}):
        cache.set("key", "value")
        taken_up(cache, "key")
        cache.levels.channel.stop()  # nobody tells it of changes any more
        one_server.client.delete(cache.make_key("key"))
        until(lambda: cache.get("key") is None, seconds=2)


def test_it_keeps_nothing_for_longer_than_the_server_does(cache):
    cache.set("key", "value", 0.3)
    taken_up(cache, "key")
    cache.levels.channel.stop()
    until(lambda: cache.get("key") is None, seconds=2)


def test_sizes_stay_true_when_values_are_replaced_and_dropped(local):
    filled(local, 10)
    filled(local, 10, size=10)
    local.drop(["key0", "key1", "unknown"])
    local.drop_matching(lambda name: name == "key2")
    assert local.size == sum(entry[3] for entry in local._entries.values())
    assert local.flush() == 7
    assert local.size == 0


class TestRaces:
    """What was read before a change must not be stored after it."""

    def test_a_reading_that_was_overtaken_is_not_kept(self, local):
        token = local.begin("key")
        local.drop(["key"])
        local.keep("key", token, "old", b"", 60)
        assert local.get("key") is MISSING

    @pytest.mark.parametrize("forget", ["flush", "drop_matching"])
    def test_nor_one_overtaken_by_a_clear(self, local, forget):
        token = local.begin("key")
        local.flush() if forget == "flush" else local.drop_matching(lambda name: True)
        local.keep("key", token, "old", b"", 60)
        assert local.get("key") is MISSING

    def test_a_reading_begun_after_the_change_is_kept(self, local):
        first = local.begin("key")
        local.drop(["key"])
        second = local.begin("key")
        local.keep("key", first, "old", b"", 60)
        assert local.get("key") is MISSING
        local.keep("key", second, "new", b"", 60)
        assert local.get("key") == "new"

    def test_a_reading_leaves_nothing_behind(self, local):
        local.abandon("a", local.begin("a"))
        local.keep("b", local.begin("b"), 1, b"", 60)
        local.drop([local.begin("c") and "c"])
        assert local._reading == {}

    def test_threads_that_read_write_and_drop_break_nothing(self, local):
        stop = threading.Event()
        wrong: list[object] = []

        def work(number: int) -> None:
            while not stop.is_set():
                for each in range(50):
                    local.put(f"key{each}", each, b"", 60)
                    value = local.get(f"key{each}")
                    if value not in (each, MISSING):
                        wrong.append(value)
                    local.drop([f"key{(each + number) % 50}"])

        threads = [threading.Thread(target=work, args=(each,)) for each in range(4)]
        for thread in threads:
            thread.start()
        stop.wait(0.5)
        stop.set()
        for thread in threads:
            thread.join()
        assert wrong == []
        assert local.size == sum(entry[3] for entry in local._entries.values())


def test_counts_are_exact_though_they_take_no_lock(cache):
    cache.set("key", "value")
    taken_up(cache, "key")
    before = cache.levels.counts.l1_hits

    def read() -> None:
        for _ in range(5000):
            cache.get("key")

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert cache.levels.counts.l1_hits - before == 20_000


def test_clearing_by_pattern_does_not_mind_readers(local):
    filled(local, 20_000, size=10)
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            for each in range(0, 20_000, 7):
                local.get(f"key{each}")

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for _ in range(5):
            filled(local, 20_000, size=10)
            assert local.drop_matching(lambda name: name.endswith("7")) == 2000
    finally:
        stop.set()
        reader.join()
