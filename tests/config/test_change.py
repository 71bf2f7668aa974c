"""A change sets what it names, all of it or nothing, and says what it did."""

from __future__ import annotations

import pytest

from core import options
from core.access.actor import SYSTEM, Actor
from core.access.models import AuditEntry
from core.config import changes, loading, operations, queries
from core.config.models import ConfigEntry, ConfigRevision
from core.config.overrides import newest
from core.errors import InvalidInput, PreconditionFailed
from core.events.models import Event

pytestmark = pytest.mark.django_db


def values() -> dict:
    return queries.document(section="test")["test"]


def codes(caught) -> dict[str, str]:
    return {detail.field: detail.code for detail in caught.value.details}


@pytest.mark.parametrize("given", [{"test": {"share": 20}}, {"test.share": 20}])
def test_a_value_may_be_given_nested_or_flat(share, change, given):
    outcome = change(given)
    assert outcome["updated_keys"] == ["test.share"]
    assert (outcome["revision"], outcome["restart_required"]) == (1, False)
    assert outcome["changes"] == [{"key": "test.share", "before": None, "after": 20, "default": 10}]
    assert values() == {"share": 20}


def test_keys_not_named_keep_their_values_and_null_is_the_default(declare, change):
    declare("one"), declare("two")
    change({"test": {"one": 1, "two": 2}})
    change({"test": {"one": None}})
    assert values() == {"one": 10, "two": 2}
    assert set(newest().overrides) == {"test.two"}


@pytest.mark.parametrize("given", [{}, {"test": {}}, {"test": {"share": 20}}])
def test_what_changes_nothing_is_no_revision(share, change, given):
    change({"test.share": 20})
    outcome = change(given)
    assert (outcome["updated_keys"], outcome["revision"]) == ([], 1)
    assert ConfigRevision.objects.count() == 1


def test_writing_back_what_was_read_makes_no_overrides(declare, change):
    declare("one"), declare("ratio", float, default=0.5), declare("token", str, default="x",
            secret=True)  # fmt: skip
    change({"test.ratio": 1})
    assert change(queries.document(section="test"))["updated_keys"] == []
    assert change({"test.ratio": 1.0})["updated_keys"] == []
    assert set(newest().overrides) == {"test.ratio"}


def test_a_truth_is_not_the_number_one(declare, change):
    declare("any", bool | int, default=1)
    assert change({"test.any": True})["updated_keys"] == ["test.any"]
    assert change({"test.any": 1})["updated_keys"] == ["test.any"]


def test_everything_wrong_is_said_at_once_and_nothing_is_changed(declare, change):
    declare("fine"), declare("low"), declare("kind"), declare("fixed", read_only=True)
    declare("given", variable="GIVEN", environment=3)
    with pytest.raises(InvalidInput) as caught:
        change(
            {
                "test": {"fine": 1, "low": -1, "kind": "1", "fixed": 1, "given": 1, "away": 1},
                "test.fine": 2,
                "nowhere": {"a": 1},
                "test.": 1,
                "else.where": 1,
            }
        )
    assert codes(caught) == {
        "test.low": "out_of_range",
        "test.kind": "invalid_type",
        "test.fixed": "read_only",
        "test.given": "read_only",
        "test.away": "unknown_key",
        "test.fine": "repeated",
        "nowhere": "unknown_section",
        "test.": "unknown_key",
        "else.where": "unknown_key",
    }
    assert "GIVEN" in str([detail.message for detail in caught.value.details])
    assert not ConfigRevision.objects.exists()
    assert not ConfigEntry.objects.exists()


@pytest.mark.parametrize("section", [None, 1, [], "x"])
def test_a_section_is_an_object(share, change, section):
    with pytest.raises(InvalidInput) as caught:
        change({"test": section})
    assert codes(caught) == {"test": "invalid_type"}


@pytest.mark.parametrize("value", ["x\0y", "\ud800", "x" * 70_000])
def test_hostile_text_is_refused(declare, change, value):
    declare("text", str, default="")
    with pytest.raises(InvalidInput):
        change({"test.text": value})
    with pytest.raises(InvalidInput):
        change({"test.text": "fine"}, reason=value)


def test_a_key_of_any_shape_is_unknown_and_not_an_error_of_ours(share, change):
    for key in ("\0.\0", "\ud800.a", ".", "..", "a" * 100_000 + ".b"):
        with pytest.raises(InvalidInput):
            change({key: 1})


def test_a_revision_says_who_when_and_why(share):
    ada = Actor(kind="user", id="7", name="ada", scopes=frozenset({"admin:config"}))
    operations.change(values={"test.share": 20}, actor=ada, reason=" too slow ")
    found = queries.revision(1)
    assert found["actor"] == {"kind": "user", "id": "7", "name": "ada"}
    assert (found["reason"], found["keys"]) == ("too slow", ["test.share"])
    entry = ConfigEntry.objects.get()
    assert (entry.revision, entry.changed_by) == (1, "user:ada")


def test_it_is_audited_and_told_with_it(share, change):
    change({"test.share": 20}, reason="why not")
    entry = AuditEntry.objects.get(action="config.change")
    event = Event.objects.get(name="config.changed")
    for said in (entry.details, event.payload):
        assert (said["revision"], said["keys"]) == (1, ["test.share"])
        assert said["reason"] == "why not"


def test_a_dry_run_says_the_same_and_changes_nothing(declare, change):
    declare("share", restart=("worker", "web"), restart_reason="It is read once.")
    tried = change({"test.share": 20}, dry_run=True)
    assert not ConfigRevision.objects.exists()
    assert not AuditEntry.objects.exists()
    done = change({"test.share": 20})
    assert done["restart"] == [
        {"key": "test.share", "roles": ["worker", "web"], "reason": "It is read once."}
    ]
    assert (done["restart_required"], done["services_affected"]) == (True, ["web", "worker"])
    assert {**tried, "dry_run": False, "revision": 1, "etag": done["etag"]} == done


def test_a_dry_run_says_what_is_wrong(share, change):
    with pytest.raises(InvalidInput):
        change({"test.share": 101}, dry_run=True)


def test_an_etag_that_is_not_the_newest_is_refused(share, change):
    etag = queries.etag()
    first = change({"test.share": 20}, if_match=etag)
    with pytest.raises(PreconditionFailed):
        change({"test.share": 30}, if_match=etag)
    assert values() == {"share": 20}
    assert change({"test.share": 30}, if_match=first["etag"])["revision"] == 2


def test_the_default_is_an_override_when_it_replaces_another(share, change):
    change({"test.share": 20})
    change({"test.share": 10})
    assert queries.sources(section="test")["test"]["share"]["source"] == "override"


def test_an_override_that_does_not_fit_any_more_is_told_and_can_be_replaced(declare, change):
    declare("share", int, default=10)
    change({"test.share": 1000})
    options.remove("test.share")
    share = declare("share")
    told = queries.sources(section="test")["test"]["share"]
    assert (told["value"], told["source"], told["overridden"]) == (10, "default", True)
    assert "100" in told["problem"]
    loading.load()
    assert share.value == 10
    change({"test.share": 20})
    assert values() == {"share": 20}


def test_what_is_stored_for_an_option_that_is_away_stays(declare, change):
    declare("plugged", int, default=1)
    declare("share")
    change({"test.plugged": 5})
    options.remove("test.plugged")
    change({"test.share": 20})
    assert queries.document(section="test") == {"test": {"share": 20}}
    plugged = declare("plugged", int, default=1)
    loading.load()
    assert plugged.value == 5


@pytest.mark.django_db(transaction=True)
def test_this_process_uses_it_once_it_is_committed(share, change):
    change({"test.share": 20})
    assert share.value == 20
    operations.rollback(number=0, actor=SYSTEM)
    assert share.value == 10


@pytest.mark.parametrize("given", [20.0, 20])
def test_a_whole_number_may_be_written_with_a_point(share, change, given):
    change({"test.share": given})
    assert type(values()["share"]) is int


@pytest.mark.parametrize("given", [20.5, 1e300, float("inf"), float("nan"), "20"])
def test_what_is_no_whole_number_is_refused(share, change, given):
    with pytest.raises(InvalidInput):
        change({"test.share": given})


@pytest.mark.parametrize(
    "given",
    [
        {f"test.a{number}": 1 for number in range(50_000)},
        {f"a{number}": {} for number in range(50_000)},
        {"test": {f"a{number}": 1 for number in range(50_000)}},
    ],
    ids=["flat", "sections", "nested"],
)
def test_a_great_many_wrong_keys_do_not_make_a_huge_answer(share, change, given):
    with pytest.raises(InvalidInput) as caught:
        change(given)
    assert len(caught.value.details) == changes.MAX_DETAILS
