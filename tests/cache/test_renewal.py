"""A process connects anew to the cache's server, and never keeps what it is not told of."""

from __future__ import annotations

from core.cache.channel import TRACKING
from tests.cache.conftest import held, taken_up
from tests.waiting import until


def clients(server, *, tracking: bool = False) -> set[int]:
    """The connections to the server, perhaps only those that are told of changes."""
    return {
        int(each["id"])
        for each in server.client.client_list()
        if "t" in each["flags"] or not tracking
    }


def test_it_forgets_what_it_knew_and_connects_anew(cache, one_server):
    cache.set("key", "value")
    taken_up(cache, "key")
    before = {*clients(one_server, tracking=True), cache.levels.shared.client.client_id()}
    assert len(before) == 2
    cache.levels.renew()
    assert not held(cache, "key")
    until(lambda: cache.levels.channel.state != TRACKING)
    assert cache.get("key") == "value"
    assert not held(cache, "key")
    until(lambda: cache.levels.channel.state == TRACKING)
    until(lambda: not clients(one_server) & before)


def test_it_is_told_of_changes_again(cache, others):
    other = others()
    cache.levels.renew()
    until(lambda: cache.levels.channel.state != TRACKING)
    until(lambda: cache.levels.channel.state == TRACKING)
    cache.set("key", "old")
    taken_up(cache, "key")
    other.do("set", "key", "new")
    until(lambda: cache.get("key") == "new", seconds=1)


def test_that_is_no_loss(cache):
    before = cache.levels.channel.losses
    cache.levels.renew()
    until(lambda: cache.levels.channel.state != TRACKING)
    until(lambda: cache.levels.channel.state == TRACKING)
    assert cache.levels.channel.losses == before
