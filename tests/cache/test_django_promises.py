"""What every cache of Django's promises, each promise of its own test suite in our words."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from decimal import Decimal
from zlib import compress, decompress

import pytest

from core import options
from core.access.models import ApiKey
from tests.waiting import until

LONG = 30 * 86400 + 1


class Point:
    def __init__(self, x: int) -> None:
        self.x = x

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Point) and other.x == self.x


def function() -> None: ...


VALUES = [
    "text", "Iñtërnâtiônàlizætiøn", "", 0, 42, -1, 2**70, -(2**70), 1.5, True, False, None,
    b"bytes\x00", b"12", "12", [1, [2]], (1, 2), {"a": {"b": 1}}, {1, 2}, Point(3), function,
    Point, Decimal("1.10"), datetime(2026, 1, 2, tzinfo=UTC), compress(b"value"),
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_value_comes_back_as_it_was_from_either_level(cache, value):
    cache.set("key", value)
    for _ in range(4):
        found = cache.get("key", "nothing")
        assert (found, type(found)) == (value, type(value))
    assert cache.get_many(["key"]) == {"key": value}
    cache.delete("key")
    assert cache.add("key", value) is True
    assert cache.get("key", "nothing") == value
    cache.set_many({"other": value})
    assert cache.get("other", "nothing") == value


def test_compressed_bytes_survive(cache):
    cache.set("key", compress(b"value"))
    assert decompress(cache.get("key")) == b"value"


def test_none_is_a_value_and_no_default(cache):
    cache.set("key", None)
    assert cache.get("key", default="default") is None
    assert cache.get_or_set("key", lambda: "computed") is None
    assert "key" in cache


def test_what_is_not_there_is_the_default(cache):
    assert cache.get("nothing") is None
    assert cache.get("nothing", "bang!") == "bang!"
    assert cache.get_many(["nothing"]) == {}


def test_add_sets_only_what_is_not_there(cache):
    assert cache.add("key", "value") is True
    assert cache.add("key", "newer") is False
    assert cache.get("key") == "value"


def test_many_are_got_set_and_deleted(cache):
    assert cache.set_many({"a": 1, "b": None, "c": "x"}) == []
    assert cache.get_many(["a", "b", "nothing"]) == {"a": 1, "b": None}
    assert cache.get_many(iter(["a", "c"])) == {"a": 1, "c": "x"}
    assert cache.delete_many(["a", "c"]) is None
    assert cache.get_many(["a", "b", "c"]) == {"b": None}


def test_nothing_is_many_too(cache):
    assert cache.get_many([]) == {}
    assert cache.set_many({}) == []
    assert cache.delete_many([]) is None


def test_more_than_one_round_trip_of_keys(cache):
    many = {f"key{number}": number for number in range(1201)}
    assert cache.set_many(many) == []
    assert cache.get_many(many) == many
    assert cache.get_many(many) == many
    cache.delete_many(many)
    assert cache.get_many(many) == {}


def test_delete_says_whether_there_was_anything(cache):
    cache.set_many({"a": "spam", "b": "eggs"})
    assert cache.delete("a") is True
    assert (cache.get("a"), cache.get("b")) == (None, "eggs")
    assert cache.delete("a") is False


def test_has_key_and_in(cache):
    cache.set_many({"a": 1, "null": None})
    cache.set("for ever".replace(" ", "-"), 1, None)
    assert cache.has_key("a") is True
    assert cache.has_key("b") is False
    assert "null" in cache
    assert "for-ever" in cache
    assert "goodbye" not in cache


def test_numbers_are_counted_up_and_down(cache):
    cache.set("answer", 41)
    assert cache.incr("answer") == 42
    assert cache.get("answer") == 42
    assert cache.incr("answer", 10) == 52
    assert cache.incr("answer", -10) == 42
    assert cache.decr("answer", 2) == 40
    assert cache.decr("answer", -2) == 42
    assert cache.get("answer") == 42


def test_other_numbers_are_counted_too(cache):
    cache.set("half", 0.5)
    assert cache.incr("half") == 1.5
    assert cache.incr("half", 0.5) == 2.0
    cache.set("huge", 2**63 - 1)
    assert cache.incr("huge") == 2**63
    assert cache.incr("huge") == 2**63 + 1
    assert cache.get("huge") == 2**63 + 1


@pytest.mark.parametrize("operation", ["incr", "decr"])
def test_what_is_no_number_is_not_counted(cache, operation):
    count = getattr(cache, operation)
    with pytest.raises(ValueError):
        count("nothing")
    with pytest.raises(ValueError):
        count("nothing", -1)
    assert "nothing" not in cache
    cache.set("null", None)
    with pytest.raises(TypeError):
        count("null")


@pytest.mark.parametrize("number", [5, 5.5])
def test_counting_keeps_the_end_of_a_value(cache, one_server, number):
    cache.set("key", number, 100)
    cache.incr("key")
    assert 90_000 < one_server.client.pttl(cache.make_key("key")) <= 100_000


def test_no_count_is_lost_between_threads(cache):
    cache.set("number", 0)
    cache.set("half", 0.5)

    def count() -> None:
        for _ in range(50):
            cache.incr("number")
            cache.incr("half")

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (cache.get("number"), cache.get("half")) == (200, 200.5)


def test_values_expire(cache):
    cache.set("a", "quickly", 0.2)
    cache.set_many({"b": "quickly", "c": "quickly"}, 0.2)
    assert cache.get_many(["a", "b"]) == {"a": "quickly", "b": "quickly"}
    until(lambda: cache.get("a") is None, seconds=2)
    until(lambda: not cache.has_key("c"), seconds=2)
    assert cache.add("b", "newer") is True
    assert cache.get("b") == "newer"


@pytest.mark.parametrize("timeout", [None, LONG, 100.2, 10.0**20])
def test_long_timeouts(cache, timeout):
    cache.set("a", 1, timeout)
    cache.set_many({"b": 2}, timeout)
    assert cache.add("c", 3, timeout) is True
    assert cache.touch("c", timeout) is True
    assert cache.get_many(["a", "b", "c"]) == {"a": 1, "b": 2, "c": 3}
    assert cache.add("a", 2, timeout) is False


@pytest.mark.parametrize("timeout", [0, -1, -0.5])
def test_no_timeout_at_all_means_not_cached(cache, timeout):
    cache.set("a", "before")
    cache.set("a", "eggs", timeout)
    assert cache.get("a") is None
    assert cache.add("b", "ham", timeout) is True
    assert cache.get("b") is None
    cache.set("b", "there")
    assert cache.add("b", "ham", timeout) is False
    assert cache.set_many({"c": 1, "d": 2}, timeout) == []
    assert cache.get_many(["c", "d"]) == {}
    cache.set("e", "fries", 5)
    assert cache.touch("e", timeout) is True
    assert cache.get("e") is None


@pytest.mark.option("cache.default_timeout_seconds")
def test_how_long_a_value_is_kept_when_nobody_says_can_be_chosen(cache, one_server):
    def lives() -> float:
        return one_server.client.pttl(cache.make_key("a")) / 1000

    cache.set("a", 1)
    assert 290 < lives() <= 300
    with options.replaced({"cache.default_timeout_seconds": 1000}):
        for write in (cache.set, cache.touch, lambda key, value: cache.set_many({key: value})):
            cache.set("a", 1, 5)
            write("a") if write == cache.touch else write("a", 1)
            assert 990 < lives() <= 1000
        cache.delete("a")
        cache.add("a", 1)
        assert 990 < lives() <= 1000
        cache.delete("a")
        cache.get_or_set("a", lambda: 1)
        assert 990 < lives() <= 1000


def test_a_cache_whose_settings_say_it_keeps_to_them(cache, one_server):
    told = type(cache)(one_server.url, {"KEY_PREFIX": cache.key_prefix, "TIMEOUT": 50})
    told.set("a", 1)
    assert 40_000 < one_server.client.pttl(cache.make_key("a")) <= 50_000
    forever = type(cache)(one_server.url, {"KEY_PREFIX": cache.key_prefix, "TIMEOUT": None})
    forever.set("a", 1)
    assert one_server.client.pttl(cache.make_key("a")) == -1


def test_touch_moves_the_end(cache, one_server):
    cache.set("a", 1, 1)
    assert cache.touch("a", 100) is True
    assert one_server.client.pttl(cache.make_key("a")) > 90_000
    assert cache.touch("a") is True
    assert 200_000 < one_server.client.pttl(cache.make_key("a")) <= 300_000
    assert cache.touch("a", None) is True
    assert one_server.client.pttl(cache.make_key("a")) == -1
    assert cache.touch("a", None) is True
    assert cache.touch("nothing") is False
    assert cache.touch("nothing", None) is False


def test_clear_empties_it(cache):
    cache.set_many({"a": 1, "b": 2})
    cache.set("c", 3, version=7)
    cache.clear()
    assert cache.get_many(["a", "b"]) == {}
    assert cache.get("c", version=7) is None


def test_close_does_no_harm(cache):
    cache.close()
    cache.set("a", 1)
    assert cache.get("a") == 1


def test_an_instance_of_a_model_comes_back(cache):
    cache.set("key", ApiKey(name="in the cache"))
    assert cache.get("key").name == "in the cache"


def test_get_or_set(cache):
    assert cache.get_or_set("a", "value") == "value"
    assert cache.get_or_set("a", "other") == "value"
    assert cache.get_or_set("b", lambda: 5, 100) == 5
    assert cache.get_or_set("b", lambda: 6) == 5
    assert cache.get_or_set("null", None) is None
    assert cache.get_or_set("null", lambda: 1) is None
