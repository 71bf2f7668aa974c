"""A watched change is kept when nothing happens, and takes itself back when it does harm."""

from __future__ import annotations

import threading

import pytest
from django.db import connection
from django.db.models.functions import Now

from core.access.actor import SYSTEM
from core.access.models import AuditEntry
from core.alerts.models import Alert
from core.config import operations, queries, watches, watching
from core.config.models import ConfigRevision, ConfigWatch
from core.errors import InvalidInput
from core.health import background, checks
from core.health.board import board
from core.health.checks import Unhealthy
from core.processes import runtime
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)


class Part:
    broken = False

    def __call__(self) -> None:
        if self.broken:
            raise Unhealthy("it is gone")


@pytest.fixture(autouse=True)
def only_own_checks(monkeypatch) -> None:
    """No checks but the test's."""
    for registry in (checks.registry, checks.components):
        monkeypatch.setattr(registry, "_entries", {})
    monkeypatch.setattr(background, "GRACE_SECONDS", 0.0)
    yield
    runtime.stop()


def component(name: str, *, critical: bool) -> Part:
    part = Part()
    checks.component(name, critical=critical)(lambda figures: {})
    checks.register(component=name, name="works", cadence=0.05, deadline=1.0)(part)
    return part


@pytest.fixture
def vital(only_own_checks) -> Part:
    return component("vital", critical=True)


@pytest.fixture
def minor(only_own_checks) -> Part:
    return component("minor", critical=False)


@pytest.fixture
def parts(vital, minor) -> None:
    """A critical component and one that is not, both known to be healthy."""
    board.refresh(force=True)
    board.standings()


def turn() -> None:
    """What each of three web processes does every second."""
    board.refresh(force=True)
    board.standings()
    for _ in range(3):
        watching.look()


def state(number: int = 1) -> str:
    return ConfigWatch.objects.get(pk=number).state


def time_is_up() -> None:
    ConfigWatch.objects.update(until=Now())


def value() -> int:
    return queries.document(section="test")["test"]["share"]


def test_the_answer_says_until_when_and_what_is_watched(share, change, parts):
    watch = change({"test.share": 20}, watch_seconds=60)["watch"]
    assert (watch["state"], watch["components"]) == ("watching", ["vital"])
    assert queries.revision(1)["watch"] == watch


def test_what_does_no_harm_is_kept_when_the_time_is_up(share, change, parts):
    change({"test.share": 20}, watch_seconds=60)
    turn()
    assert state() == "watching"
    time_is_up()
    turn()
    assert (state(), value()) == ("kept", 20)
    assert not Alert.objects.exists()


def test_it_is_taken_back_once_when_a_critical_component_turns_unhealthy(
    share, change, parts, vital
):
    change({"test.share": 20}, watch_seconds=60)
    vital.broken = True
    turn()
    assert (state(), value()) == ("reverted", 10)
    assert ConfigRevision.objects.count() == 2
    told = queries.revision(2)
    assert (told["reverted"], told["actor"]["kind"]) == (1, "system")
    assert "vital turned unhealthy: works: it is gone" in told["reason"]
    assert queries.revision(1)["watch"]["reverted_by"] == 2
    alert = Alert.objects.get()
    assert (alert.fingerprint, alert.details["keys"]) == ("config.watch.1", ["test.share"])
    turn()
    assert ConfigRevision.objects.count() == 2


def test_a_component_that_is_not_critical_does_not_matter(share, change, parts, minor):
    change({"test.share": 20}, watch_seconds=60)
    minor.broken = True
    turn()
    assert state() == "watching"


def test_nor_does_one_that_was_unhealthy_before(share, change, parts, vital):
    vital.broken = True
    board.refresh(force=True)
    assert change({"test.share": 20}, watch_seconds=60)["watch"]["components"] == []
    turn()
    assert state() == "watching"


def test_what_others_have_changed_since_stays(declare, change, parts, vital):
    declare("share"), declare("other")
    change({"test.share": 20, "test.other": 20}, watch_seconds=60)
    change({"test.other": 30})
    vital.broken = True
    turn()
    assert queries.document(section="test") == {"test": {"share": 10, "other": 30}}


def test_when_nothing_of_it_is_left_the_watch_ends_all_the_same(share, change, parts, vital):
    change({"test.share": 20}, watch_seconds=60)
    change({"test.share": 30})
    vital.broken = True
    turn()
    assert (state(), value()) == ("reverted", 30)
    assert ConfigRevision.objects.count() == 2


def test_one_at_a_time(share, change, parts):
    change({"test.share": 20}, watch_seconds=60)
    with pytest.raises(watches.WatchInProgress):
        change({"test.share": 30}, watch_seconds=60)
    assert change({"test.share": 40})["revision"] == 2
    time_is_up()
    assert change({"test.share": 50}, watch_seconds=60)["watch"]["state"] == "watching"
    assert state(1) == "kept"


def test_of_two_at_the_same_time_one_is_refused(share, parts):
    failures: list[Exception] = []

    def write(number: int) -> None:
        try:
            operations.change(values={"test.share": number}, actor=SYSTEM, watch_seconds=60)
        except Exception as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert [each.code for each in failures] == ["watch_in_progress"] * 3


@pytest.mark.parametrize("seconds", [0, -1, 3601])
def test_the_time_has_bounds(share, change, seconds):
    with pytest.raises(InvalidInput):
        change({"test.share": 20}, watch_seconds=seconds)


def test_what_changes_nothing_or_is_a_dry_run_is_not_watched(share, change, parts):
    assert change({"test.share": 10}, watch_seconds=60)["watch"] is None
    assert change({"test.share": 20}, watch_seconds=60, dry_run=True)["watch"] is None
    assert not ConfigWatch.objects.exists()


def test_it_can_be_kept_early_and_then_nothing_takes_it_back(share, change, parts, vital):
    change({"test.share": 20}, watch_seconds=60)
    turn()
    operations.keep(number=1, actor=SYSTEM)
    operations.keep(number=1, actor=SYSTEM)
    vital.broken = True
    turn()
    assert (state(), value()) == ("kept", 20)
    assert AuditEntry.objects.filter(action="config.keep").count() == 1


def test_what_is_not_watched_can_not_be_kept(share, change, parts, vital):
    change({"test.share": 20})
    with pytest.raises(operations.NotWatched):
        operations.keep(number=1, actor=SYSTEM)
    change({"test.share": 30}, watch_seconds=60)
    vital.broken = True
    turn()
    with pytest.raises(operations.NotWatched):
        operations.keep(number=2, actor=SYSTEM)


def test_it_can_be_taken_back_early(share, change, parts):
    change({"test.share": 20}, watch_seconds=60)
    operations.revert(number=1, actor=SYSTEM)
    assert (state(), value()) == ("reverted", 10)
    assert queries.revision(1)["watch"]["reverted_by"] == 2


def test_trouble_that_was_over_before_anybody_asked_is_not_forgotten(share, change, parts, vital):
    change({"test.share": 20}, watch_seconds=60)
    vital.broken = True
    board.refresh(force=True)
    board.standings()  # as every 0.2 s, whatever keeps the look at the database
    vital.broken = False
    time_is_up()
    turn()
    assert (state(), value()) == ("reverted", 10)


def test_trouble_from_before_the_change_does_not_count(share, change, parts, vital):
    vital.broken = True
    board.refresh(force=True)
    board.standings()
    vital.broken = False
    board.refresh(force=True)
    assert change({"test.share": 20}, watch_seconds=60)["watch"]["components"] == ["vital"]
    turn()
    assert state() == "watching"


def test_a_process_that_starts_into_trouble_waits_until_it_has_settled(
    share, change, parts, vital, monkeypatch
):
    change({"test.share": 20}, watch_seconds=60)
    board.forget()
    monkeypatch.setattr(background, "GRACE_SECONDS", 3600.0)
    vital.broken = True
    time_is_up()
    turn()
    assert state() == "watching"
    monkeypatch.setattr(background, "GRACE_SECONDS", 0.0)
    turn()
    assert state() == "reverted"


def test_one_that_saw_it_turn_does_not_wait(share, change, parts, vital, monkeypatch):
    monkeypatch.setattr(background, "GRACE_SECONDS", 3600.0)
    change({"test.share": 20}, watch_seconds=60)
    turn()
    vital.broken = True
    turn()
    assert state() == "reverted"


def test_a_web_process_watches_by_itself(share, change, vital):
    runtime.start("web")
    until(board.complete)
    change({"test.share": 20}, watch_seconds=60)
    vital.broken = True
    until(lambda: share.value == 10 and state() == "reverted", seconds=5)


def test_put_and_keep(share, api, parts):
    watched = api("PUT", "config?watch=60", {"test.share": 20}).json()["data"]
    assert watched["watch"]["state"] == "watching"
    refused = api("PUT", "config?watch=60", {"test.share": 30})
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "watch_in_progress")
    kept = api("POST", "config/revisions/1/keep").json()["data"]
    assert (kept["state"], kept["components"]) == ("kept", ["vital"])
    assert api("GET", "config/revisions/1").json()["data"]["watch"]["state"] == "kept"
