"""A process loads what is newest: at its start, when it listens, and after each change."""

from __future__ import annotations

import logging
import threading

import pytest
from django.db import OperationalError

from core import options
from core.access.actor import SYSTEM
from core.config import loading, operations
from core.config.models import ConfigEntry, ConfigRevision
from core.options import Snapshot
from core.processes import control, runtime
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def running():
    control.channel.cache_clear()
    yield runtime.start
    runtime.stop()


@pytest.fixture
def silently(db):
    """Change the value as another process does whose command never arrives."""

    def set_to(value: int) -> None:
        number = ConfigRevision.objects.count() + 1
        ConfigRevision.objects.create(number=number, changes={})
        ConfigEntry.objects.update_or_create(
            key="test.share", defaults={"value": value, "revision": number}
        )

    return set_to


@pytest.fixture
def broken_once(monkeypatch) -> list[int]:
    """The next look at the database fails."""
    failures = [1]
    whole = loading.newest

    def look():
        if failures:
            failures.pop()
            raise OperationalError("gone")
        return whole()

    monkeypatch.setattr(loading, "newest", look)
    return failures


def test_without_a_change_there_is_nothing_to_load(share):
    assert loading.load() == 0
    assert share.value == 10


def test_what_was_committed_between_the_start_and_listening_is_not_missed(share, silently, running):
    loading.begin()
    silently(20)
    assert share.value == 10
    running("web")
    until(lambda: share.value == 20)


def test_listening_tries_again_until_it_could_load(share, silently, running, broken_once):
    silently(20)
    running("web")
    until(lambda: share.value == 20, seconds=3)
    assert broken_once == []


def test_a_change_that_could_not_be_loaded_is_loaded_soon(share, change, running, broken_once):
    broken_once.clear()
    running("web")
    until(lambda: loading.figures.measured()["config"]["revision"] == 0)
    until(lambda: control._member.doorbell is not None)
    broken_once.append(1)
    change({"test.share": 20})
    until(lambda: share.value == 20, seconds=2)


def test_the_poll_finds_what_nobody_said(share, silently, running, monkeypatch):
    running("beat")
    until(lambda: control._member.doorbell is not None)
    silently(20)
    loading.loops.wake("config.poll")
    until(lambda: share.value == 20)


def test_an_attempt_without_a_database_leaves_the_values_and_says_so(
    share, silently, broken_once, caplog
):
    silently(20)
    with caplog.at_level(logging.INFO):
        assert loading.attempt() is False
    assert share.value == 10
    assert "can't be read yet: gone" in caplog.text
    assert loading.attempt() is True
    assert share.value == 20


def test_what_a_process_started_with_stays(share, change):
    change({"test.share": 20})
    loading.begin()
    change({"test.share": 30})
    assert loading.revisions() == {"revision": 2, "started": 1}


def test_a_load_that_began_earlier_does_not_bring_older_values_back(share, change, monkeypatch):
    """The first load has read when the second begins, and applies after it would have."""
    whole = loading.newest
    has_read, may_go_on = threading.Event(), threading.Event()

    def slow():
        state = whole()
        has_read.set()
        may_go_on.wait(10)
        return state

    change({"test.share": 20})
    monkeypatch.setattr(loading, "newest", slow)
    first = threading.Thread(target=loading.attempt)
    first.start()
    assert has_read.wait(10)
    monkeypatch.setattr(loading, "newest", whole)
    ConfigRevision.objects.create(number=2, changes={})
    ConfigEntry.objects.update(value=30, revision=2)
    second = threading.Thread(target=loading.attempt)
    second.start()
    may_go_on.set()
    first.join(10), second.join(10)
    assert (share.value, options.current().revision) == (30, 2)


def test_after_an_older_database_was_restored_its_values_count(share, caplog):
    options.apply(Snapshot(40, {"test.share": 40}))
    operations.change(values={"test.share": 20}, actor=SYSTEM)
    assert (share.value, options.current().revision) == (20, 1)
    assert "an older state was restored" in caplog.text
