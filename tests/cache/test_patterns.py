"""Globs: what they match here and on the server is the same, and none costs too much."""

from __future__ import annotations

import re
import time

import pytest

from core.cache import clearing, patterns
from core.cache.serializers import GLOB
from core.errors import InvalidInput

KEYS = [
    "user:1", "user:42", "users", "a:user:1", "user:", "", "user:é", "user:日本", "x*y", "x?y",
    "x[y", "x]y", "x\\y", "xay", "xby", "x-y", "x^y", "a.b.c", "new\nline", "UPPER", "1:user:1",
]  # fmt: skip

MATCHES = {
    "*": set(KEYS),
    "user:*": {"user:1", "user:42", "user:", "user:é", "user:日本"},
    "user:?": {"user:1", "user:é"},
    "user:??": {"user:42", "user:日本"},
    "*:1": {"user:1", "a:user:1", "1:user:1"},
    "*user*1": {"user:1", "a:user:1", "1:user:1"},
    "x[ab]y": {"xay", "xby"},
    "x[a-b]y": {"xay", "xby"},
    "x[b-a]y": {"xay", "xby"},
    "x[^ab]y": {"x*y", "x?y", "x[y", "x]y", "x\\y", "x-y", "x^y"},
    "x[\\]-]y": {"x]y", "x-y"},
    "x[é日]y": set(),
    "user:[é日]*": {"user:é", "user:日本"},
    "x\\*y": {"x*y"},
    "x\\?y": {"x?y"},
    "x\\[y": {"x[y"},
    "x\\\\y": {"x\\y"},
    "x]y": {"x]y"},
    "x^y": {"x^y"},
    "a.b.c": {"a.b.c"},
    "a?b?c": {"a.b.c"},
    "new?line": {"new\nline"},
    "upper": set(),
    "**user**:**": {"user:1", "user:42", "a:user:1", "user:", "user:é", "user:日本", "1:user:1"},
    "x[]y": set(),
    "x[^]y": {key for key in KEYS if len(key) == 3 and key[0] == "x" and key[2] == "y"},
}


@pytest.mark.parametrize("text", MATCHES)
def test_a_pattern_matches_here(text):
    pattern = patterns.parse(text)
    assert {key for key in KEYS if pattern.matches(key)} == MATCHES[text]
    assert re.match(GLOB, text)


@pytest.mark.parametrize("text", MATCHES)
def test_and_finds_just_these_on_the_server(cache, text):
    for key in KEYS:
        cache.levels.set({cache.make_key(key): 1}, None)
    pattern = patterns.parse(text)
    found = [
        clearing.logical(name, cache.levels.prefix)
        for step in clearing.search(cache.levels.shared.client, cache.levels.prefix, pattern)
        for name in step.names
    ]
    assert set(found) == MATCHES[text]


@pytest.mark.parametrize(
    "text", ["", "x" * 251, "nul\x00", "\ud800", "open[", "open[^a", "end\\", "[\\]"]
)
def test_what_is_no_pattern_is_refused(text):
    with pytest.raises(InvalidInput) as refused:
        patterns.parse(text)
    assert refused.value.details[0].field == "pattern"
    assert len(text) > 250 or "\ud800" in text or not re.match(GLOB, text)


HOSTILE = ["*a" * 125, "*?" * 125, "a*" * 124 + "b", "*[ab]" * 50, "?" * 250, "*" * 250]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_pattern_takes_no_longer_than_any_other(cache, one_server, text):
    pattern = patterns.parse(text)
    assert pattern.server.count("*") <= patterns.STARS_FOR_SERVER
    began = time.perf_counter()
    for _ in range(20):
        pattern.matches("a" * 5000)
    assert (time.perf_counter() - began) / 20 < 0.05
    cache.set_many({"a" * 200 + str(number): 1 for number in range(1000)})
    one_server.client.config_resetstat()
    list(clearing.search(cache.levels.shared.client, cache.levels.prefix, pattern))
    scan = one_server.client.info("commandstats")["cmdstat_scan"]
    assert scan["usec"] / scan["calls"] < 50_000
