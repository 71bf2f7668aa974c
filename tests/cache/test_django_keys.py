"""Keys, versions and prefixes, as every cache of Django's treats them."""

from __future__ import annotations

import warnings

import pytest
from django.core.cache import CacheKeyWarning, caches

INVALID = [
    ("key with spaces and 清", "characters that will cause errors"),
    ("a" * 250 + "清", "longer than 250"),
]


@pytest.mark.parametrize(("key", "message"), INVALID)
def test_a_key_memcached_would_refuse_warns(cache, monkeypatch, key, message):
    monkeypatch.setattr(cache, "key_func", lambda key, *args: key)
    operations = [
        ("add", [key, 1]), ("get", [key]), ("set", [key, 1]), ("incr", [key]), ("decr", [key]),
        ("touch", [key]), ("delete", [key]), ("get_many", [[key, "b"]]),
        ("set_many", [{key: 1, "b": 2}]), ("delete_many", [[key, "b"]]), ("has_key", [key]),
    ]  # fmt: skip
    for operation, arguments in operations:
        with pytest.warns(CacheKeyWarning, match=message):
            getattr(cache, operation)(*arguments)


@pytest.mark.parametrize("key", ["nul\x00", "lone \ud800", "é" * 100, "new\nline", ""])
def test_a_strange_key_works_all_the_same(cache, key):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CacheKeyWarning)
        cache.set(key, 1)
        for _ in range(3):
            assert cache.get(key) == 1
        assert cache.incr(key) == 2
        assert cache.get_many([key]) == {key: 2}
        assert cache.delete(key) is True
        assert cache.get(key) is None


class TestVersions:
    def test_they_do_not_see_each_other(self, cache):
        second = caches["second"]
        cache.set("a", 1)
        second.set("a", 2)
        assert (cache.get("a"), cache.get("a", version=2)) == (1, 2)
        assert (second.get("a"), second.get("a", version=1)) == (2, 1)
        assert cache.get("a", version=3) is None
        cache.set("b", 42, version=2)
        assert (cache.get("b"), second.get("b")) == (None, 42)

    def test_every_operation_takes_one(self, cache):
        cache.set_many({"a": 1, "b": 2}, version=2)
        assert cache.get_many(["a", "b"]) == {}
        assert cache.get_many(["a", "b"], version=2) == {"a": 1, "b": 2}
        assert cache.add("a", 3, version=2) is False
        assert cache.add("a", 3) is True
        assert cache.incr("a", version=2) == 2
        assert cache.decr("a", version=2) == 1
        assert cache.has_key("b", version=2)
        assert not cache.has_key("b")
        assert cache.touch("b", version=2) is True
        assert cache.touch("b") is False
        assert cache.delete("b") is False
        assert cache.delete("b", version=2) is True
        cache.delete_many(["a"], version=2)
        assert (cache.get("a"), cache.get("a", version=2)) == (3, None)
        assert cache.get_or_set("c", lambda: 5, version=2) == 5
        assert (cache.get("c"), cache.get("c", version=2)) == (None, 5)

    def test_a_value_may_change_its_version(self, cache):
        cache.set("a", 42, version=2)
        assert cache.incr_version("a", version=2) == 3
        assert (cache.get("a", version=2), cache.get("a", version=3)) == (None, 42)
        assert cache.decr_version("a", version=3) == 2
        assert (cache.get("a", version=3), cache.get("a", version=2)) == (None, 42)
        cache.set("null", None)
        assert cache.incr_version("null") == 2
        with pytest.raises(ValueError):
            cache.incr_version("nothing")
        with pytest.raises(ValueError):
            cache.decr_version("nothing")


def test_prefixes_keep_caches_apart(cache):
    cache.set("key", "value")
    neighbour = caches["neighbour"]
    assert not neighbour.has_key("key")
    neighbour.set("key", "other")
    assert (cache.get("key"), neighbour.get("key")) == ("value", "other")
    cache.clear()
    assert neighbour.get("key") == "other"


def test_a_custom_key_function_is_used_and_stays_coherent(cache, monkeypatch):
    monkeypatch.setattr(cache, "key_func", lambda key, prefix, version: f"CUSTOM-{key}")
    cache.set("answer", 42)
    assert cache.get("answer") == 42
    assert len(cache.levels.local) == 0  # nobody would tell of a change of it
