"""Revisions have no gaps, replay to the current state, and lead back."""

from __future__ import annotations

import threading
from collections.abc import Callable
from random import Random

import pytest
from django.db import connection

from core import options
from core.access.actor import SYSTEM
from core.access.models import AuditEntry
from core.config import history, operations, queries
from core.config.models import ConfigRevision
from core.config.overrides import newest
from core.errors import InvalidInput, NotFound

pytestmark = pytest.mark.django_db
WRITERS, CHANGES = 8, 12


def shown(changes: list[dict]) -> dict:
    return {each["key"]: (each["before"], each["after"]) for each in changes}


@pytest.fixture
def three(declare, change) -> None:
    """Revision 1: one = 1; 2: one = 2, two = 2; 3: one is back to the default."""
    declare("one"), declare("two")
    change({"test.one": 1})
    change({"test.one": 2, "test.two": 2})
    change({"test.one": None})


def test_the_difference_is_net_and_has_two_directions(three):
    assert shown(queries.difference(0, 3)["changes"]) == {"test.two": (None, 2)}
    assert shown(queries.difference(1, 2)["changes"]) == {"test.one": (1, 2), "test.two": (None, 2)}
    assert shown(queries.difference(2, 1)["changes"]) == {"test.one": (2, 1), "test.two": (2, None)}
    assert queries.difference(2, 2)["changes"] == []


@pytest.mark.parametrize(("first", "second"), [(0, 4), (4, 0), (-1, 0), (10**30, 1)])
def test_a_difference_to_what_never_was_is_not_found(three, first, second):
    with pytest.raises(NotFound):
        queries.difference(first, second)


@pytest.mark.parametrize("number", [0, 4, -1])
def test_a_revision_there_is_not(three, number):
    with pytest.raises(NotFound):
        queries.revision(number)


def test_a_rollback_is_a_new_revision(three):
    outcome = operations.rollback(number=1, actor=SYSTEM, reason="it was better")
    assert outcome["revision"] == 4
    assert shown(outcome["changes"]) == {"test.one": (None, 1), "test.two": (2, None)}
    assert queries.document(section="test") == {"test": {"one": 1, "two": 10}}
    assert queries.revision(4)["rolled_back_to"] == 1
    assert queries.difference(1, 4)["changes"] == []
    assert AuditEntry.objects.get(action="config.rollback").details["rolled_back_to"] == 1


def test_a_rollback_to_nothing_set(three):
    operations.rollback(number=0, actor=SYSTEM)
    assert newest().overrides == {}


def test_a_rollback_to_where_it_is_already_is_no_revision(three):
    assert operations.rollback(number=3, actor=SYSTEM)["updated_keys"] == []
    assert ConfigRevision.objects.count() == 3


def test_a_dry_run_of_a_rollback_changes_nothing(three):
    outcome = operations.rollback(number=1, actor=SYSTEM, dry_run=True)
    assert outcome["updated_keys"] == ["test.one", "test.two"]
    assert ConfigRevision.objects.count() == 3


def test_a_rollback_brings_secrets_back(token, change):
    change({"test.token": "first"})
    change({"test.token": "second"})
    outcome = operations.rollback(number=1, actor=SYSTEM)
    assert "first" not in str(outcome)
    assert queries.document(section="test", masked=False)["test"]["token"] == "first"


def test_a_rollback_to_what_can_not_be_used_now_is_refused(declare, change):
    declare("share", int, default=10)
    change({"test.share": 1000})
    change({"test.share": 50})
    options.remove("test.share")
    declare("share")
    with pytest.raises(InvalidInput) as caught:
        operations.rollback(number=1, actor=SYSTEM)
    assert [detail.field for detail in caught.value.details] == ["test.share"]
    assert ConfigRevision.objects.count() == 2


def test_one_change_is_reverted_where_nobody_changed_it_since(declare, change):
    declare("one"), declare("two")
    change({"test.one": 1, "test.two": 1})
    change({"test.two": 2})
    outcome = operations.revert(number=1, actor=SYSTEM)
    assert shown(outcome["changes"]) == {"test.one": (1, None)}
    assert queries.document(section="test") == {"test": {"one": 10, "two": 2}}
    assert queries.revision(3)["reverted"] == 1
    assert operations.revert(number=1, actor=SYSTEM)["updated_keys"] == []


def _write(number: int, failures: list[Exception]) -> None:
    """Each writer counts its own key up, and changes keys that all of them change."""
    random = Random(number)
    try:
        for turn in range(1, CHANGES + 1):
            shared = {f"test.shared{random.randrange(3)}": random.choice([None, *range(50)])}
            values = {f"test.own{number}": turn, **shared}
            operations.change(values=values, actor=SYSTEM, reason=f"writer {number}")
            if random.random() < 0.1:
                back = history.newest_number() - 1
                operations.rollback(number=back, actor=SYSTEM)
                operations.change(values=values, actor=SYSTEM)
    except Exception as error:
        failures.append(error)
    finally:
        connection.close()


def _in_threads(write: Callable[..., None]) -> list[Exception]:
    failures: list[Exception] = []
    threads = [threading.Thread(target=write, args=(n, failures)) for n in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    return failures


@pytest.mark.django_db(transaction=True)
def test_eight_writers_lose_no_update_and_leave_no_gap(declare):
    for number in range(WRITERS):
        declare(f"own{number}", int, default=0)
    for number in range(3):
        declare(f"shared{number}", int, default=-1)
    assert _in_threads(_write) == []
    numbers = list(ConfigRevision.objects.order_by("number").values_list("number", flat=True))
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) >= WRITERS * CHANGES
    replayed: dict = {}
    for revision in ConfigRevision.objects.order_by("number"):
        for change in history.changes_of(revision):
            assert replayed.get(change.key) == change.before, revision
            replayed[change.key] = change.after
    current = newest()
    assert {key: each for key, each in replayed.items() if each} == current.overrides
    assert current.revision == numbers[-1] == options.current().revision
    assert dict(options.current().overrides) == {
        key: each.value for key, each in current.overrides.items()
    }


@pytest.mark.django_db(transaction=True)
def test_of_eight_who_read_the_same_version_one_may_write(share):
    etag = queries.etag()

    def write(number: int, failures: list[Exception]) -> None:
        try:
            operations.change(values={"test.share": number}, actor=SYSTEM, if_match=etag)
        except Exception as error:
            failures.append(error)
        finally:
            connection.close()

    failures = _in_threads(write)
    assert {each.code for each in failures} == {"precondition_failed"}
    assert (len(failures), ConfigRevision.objects.count()) == (WRITERS - 1, 1)
