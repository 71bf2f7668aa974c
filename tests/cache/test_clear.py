"""Clearing: all of this cache, some of it, and nothing else; here and in every process."""

from __future__ import annotations

import pytest

from core import options
from core.access.actor import SYSTEM, anonymous
from core.access.models import AuditEntry
from core.cache import clearing, operations
from core.errors import InvalidInput, PermissionDenied, Unavailable
from core.events.models import Event
from core.processes import control, runtime
from tests.cache.conftest import held, taken_up
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)

FOREIGN = {"nexus:limit:key", "nexus:cache:another:1:user:1", "nexus:cache:ofatestx:1:a", "user:1"}


def cleared(pattern=None, level="all", **more) -> operations.Clearing:
    return operations.clear(pattern=pattern, level=level, actor=SYSTEM, **more)


def fill(cache, number=50, kind="user:") -> None:
    cache.set_many({f"{kind}{each}": each for each in range(number)})


@pytest.fixture
def member(cache):
    control.channel.cache_clear()
    runtime.start("web")
    until(lambda: control._member and control._member.doorbell)
    yield
    runtime.stop()


@pytest.fixture
def strangers(one_server, cache) -> None:
    for name in FOREIGN:
        one_server.client.set(name, 1)
    one_server.client.xadd("a stream", {"a": 1})


def test_it_deletes_everything_of_this_cache_and_nothing_else(cache, one_server, strangers):
    fill(cache, 2500)
    cache.set("user:1", 1, version=3)
    done = cleared()
    assert (done.cleared, done.finished) == (2501, True)
    assert set(one_server.names()) == FOREIGN | {"a stream"}


def test_so_does_the_clear_of_django(cache, one_server, strangers):
    fill(cache, 2500)
    cache.clear()
    assert set(one_server.names()) == FOREIGN | {"a stream"}


def test_a_pattern_means_the_keys_as_the_code_names_them(cache, one_server, strangers):
    fill(cache, 300)
    cache.set_many({"session:user:1": 1, "other": 2, "users": 3})
    cache.set("user:x", 1, version=2)
    assert cleared("user:*").cleared == 301
    assert cache.get_many(["session:user:1", "other", "users"]) == {
        "session:user:1": 1, "other": 2, "users": 3,
    }  # fmt: skip
    assert set(one_server.names()) >= FOREIGN


def test_a_key_deleted_by_another_meanwhile_is_not_counted(cache, monkeypatch):
    fill(cache, 10)
    found = clearing._wanted

    def stolen(names, prefix, pattern):
        cache.delete_many([f"user:{each}" for each in range(5)])
        return found(names, prefix, pattern)

    monkeypatch.setattr(clearing, "_wanted", stolen)
    assert cleared().cleared == 5


@pytest.mark.parametrize("level", ["L1", "L2", "all"])
def test_a_level_alone(cache, member, level):
    fill(cache, 5)
    for each in range(5):
        taken_up(cache, f"user:{each}")
    done = cleared("user:*", level)
    assert done.cleared == 5
    assert cache.levels.local.names() == [] or level == "L2"
    until(lambda: cache.get("user:1") == (1 if level == "L1" else None), seconds=1)


def test_memory_is_cleared_by_the_pattern_only(cache, member):
    cache.set_many({"user:1": 1, "other:1": 1})
    taken_up(cache, "user:1")
    taken_up(cache, "other:1")
    assert cleared("user:*", "L1").cleared == 1
    assert (held(cache, "user:1"), held(cache, "other:1")) == (False, True)


def test_a_dry_run_counts_and_names_and_deletes_nothing(cache, one_server):
    fill(cache, 30)
    done = cleared("user:*", dry_run=True)
    document = done.document()
    assert (document["matching_keys"], document["cleared_keys"]) == (30, 0)
    assert len(document["sample_keys"]) == 10
    assert {key[:5] for key in document["sample_keys"]} == {"user:"}
    assert len(one_server.names()) == 30
    assert not AuditEntry.objects.exists()


def test_a_dry_run_of_memory_alone_counts_in_every_process(cache, member, spawn_with_cache):
    cache.set_many({"user:1": 1, "user:2": 1, "other:1": 1})
    taken_up(cache, "user:1")
    other = spawn_with_cache()
    other.do("take_up", "user:1")
    other.do("take_up", "user:2")
    document = cleared("user:*", "L1", dry_run=True).document()
    assert (document["matching_keys"], document["sample_keys"]) == (3, ["user:1", "user:2"])
    assert document["processes"] == {"cleared": 2, "unanswered": []}
    assert held(cache, "user:1")


def test_it_is_audited_and_told(cache):
    fill(cache, 3)
    cleared("user:*")
    entry = AuditEntry.objects.get(action="cache.clear")
    assert (entry.outcome, entry.details["pattern"]) == ("success", "user:*")
    assert entry.details["cleared_keys"] == 3
    event = Event.objects.get(name="cache.cleared")
    assert event.payload["cleared_keys"] == 3


def test_it_needs_its_scope_and_a_level_and_a_pattern(cache):
    fill(cache, 3)
    with pytest.raises(PermissionDenied):
        operations.clear(pattern=None, level="all", actor=anonymous())
    with pytest.raises(InvalidInput):
        cleared(level="L3")
    with pytest.raises(InvalidInput):
        cleared("[")
    assert cache.get("user:1") == 1


def test_it_can_go_on_where_it_stopped(cache):
    fill(cache, 5000)
    done = cleared(seconds=0)
    turns = 1
    while not done.finished:
        assert 0 < done.cleared < 5000
        done = operations.go_on(done, actor=SYSTEM, seconds=0)
        turns += 1
    assert (done.cleared, done.cursor) == (5000, 0)
    assert turns > 3
    assert AuditEntry.objects.filter(action="cache.clear").count() == 1


def test_without_the_server_it_says_so_and_memory_is_cleared(own_cache, own_server):
    own_cache.set("key", 1)
    taken_up(own_cache, "key")
    own_server.stop()
    with pytest.raises(Unavailable):
        cleared()
    assert own_cache.get("key") is None
    assert AuditEntry.objects.get(action="cache.clear").outcome == "failure"
    assert not Event.objects.filter(name="cache.cleared").exists()


def test_a_server_that_goes_away_half_way_is_told_with_what_was_deleted(own_cache, own_server):
    fill(own_cache, 3000)
    with pytest.raises(Unavailable, match=r"[1-9]\d* keys were deleted"):
        cleared(progress=lambda fraction: own_server.stop() if fraction > 0.5 else None)
    assert 0 < AuditEntry.objects.get(action="cache.clear").details["cleared_keys"] < 3000
    own_server.start()
    until(lambda: not own_cache.levels.shared.is_down)
    assert cleared().finished


def test_one_that_is_given_up_half_way_leaves_the_connection_fit(cache):
    fill(cache, 3000)

    def give_up(fraction: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cleared(progress=give_up)
    assert cache.get("nothing", "default") == "default"
    assert cleared().finished
    assert cache.get("user:1") is None


@pytest.mark.option("cache.scan_keys")
@pytest.mark.parametrize("keys", [10, 1000])
def test_how_many_keys_a_step_looks_at_can_be_chosen(cache, one_server, keys):
    fill(cache, 2000)
    with options.replaced({"cache.scan_keys": keys}):
        one_server.client.config_resetstat()
        list(clearing.search(cache.levels.shared.client, cache.levels.prefix))
        calls = one_server.client.info("commandstats")["cmdstat_scan"]["calls"]
    assert 2000 / keys * 0.5 < calls < 2000 / keys * 1.5


def test_it_neither_locks_nor_flushes(cache, one_server):
    fill(cache, 3000)
    one_server.client.config_resetstat()
    cleared("user:*")
    used = set(one_server.client.info("commandstats"))
    banned = ("flushdb", "flushall", "multi", "exec", "eval", "evalsha", "keys", "del")
    assert not used & {f"cmdstat_{name}" for name in banned}


def takes_up(process, key: str) -> bool:
    """Whether it holds the key then: what was written just before may have it forget once more."""
    process.do("take_up", key)
    return process.do("held", key)


class TestProcesses:
    """Other processes of the instance have forgotten before the call returns."""

    def test_the_memory_of_every_process_is_cleared(self, cache, member, spawn_with_cache):
        others = [spawn_with_cache() for _ in range(2)]
        cache.set("key", 1)
        until(lambda: all(takes_up(each, "key") for each in others))
        until(lambda: all(takes_up(each, "key") for each in others))
        done = cleared(level="L1")
        assert done.cleared == 2
        assert (done.processes, done.unanswered) == (3, [])
        assert [each.do("held", "key") for each in others] == [False, False]

    def test_one_that_does_not_answer_is_named(self, cache, member, spawn_with_cache, monkeypatch):
        other = spawn_with_cache()
        other.freeze()
        monkeypatch.setattr(operations, "ANSWER_SECONDS", 0.3)
        done = cleared()
        other.thaw()
        assert len(done.unanswered) == 1
        assert done.unanswered[0].startswith("proc_")
        assert done.finished
