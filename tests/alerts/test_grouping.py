"""Which alert is there because of which other one."""

from __future__ import annotations

import random
import threading
from contextlib import suppress

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from core.access.actor import SYSTEM
from core.alerts import bounds, grouping, operations, queries
from core.alerts.grouping import set_causes
from core.alerts.models import Alert
from core.events.models import Event
from tests.alerts.conftest import status_of, told

pytestmark = pytest.mark.django_db


@pytest.fixture
def several(raised) -> None:
    for name in "abcd":
        raised(name)


def causes() -> dict[str, str | None]:
    """The unresolved alerts that have a cause, with it."""
    rows = Alert.objects.filter(resolved_at=None, cause__isnull=False)
    return dict(rows.values_list("fingerprint", "cause__fingerprint"))


def document(fingerprint: str) -> dict:
    return queries.get_alert(alert_id=Alert.objects.get(fingerprint=fingerprint).pk)


def test_an_effect_names_its_cause_and_the_cause_counts_it(several):
    assert set_causes({"b": "a", "c": "a", "d": None}) == 2
    assert causes() == {"b": "a", "c": "a"}
    assert document("b")["cause_id"] == document("a")["id"]
    assert (document("a")["effects"], document("a")["cause_id"]) == (2, None)
    event = Event.objects.filter(name="alert.grouped").earliest("id")
    assert event.subject == document("b")["id"]
    assert event.payload["cause"] == document("a")["id"]
    assert event.payload["cause_fingerprint"] == "a"


def test_the_same_again_is_no_news(several):
    given = {"b": "a", "c": "a", "d": None}
    set_causes(given)
    before = told()
    assert set_causes(given) == 0
    assert told() == before == ["alert.raised"] * 4 + ["alert.grouped"] * 2


def test_an_effect_can_stand_for_itself_again(several):
    set_causes({"b": "a"})
    set_causes({"b": None})
    assert causes() == {}
    event = Event.objects.get(name="alert.ungrouped")
    assert (event.subject, event.payload["cause"]) == (document("b")["id"], document("a")["id"])


class TestACauseHasNoCause:
    def test_a_chain_ends_at_its_root(self, several):
        set_causes({"d": "c", "c": "b", "b": "a"})
        assert causes() == {"b": "a", "c": "a", "d": "a"}

    def test_one_that_is_grouped_already_leads_to_its_own(self, several):
        set_causes({"b": "a"})
        set_causes({"c": "b"})
        assert causes() == {"b": "a", "c": "a"}

    def test_effects_follow_a_cause_that_gets_one(self, several):
        set_causes({"c": "b", "d": "b"})
        set_causes({"b": "a"})
        assert causes() == {"b": "a", "c": "a", "d": "a"}

    def test_what_is_said_now_counts_where_it_closes_a_circle(self, several):
        set_causes({"b": "a", "c": "a"})
        set_causes({"a": "b"})
        assert causes() == {"a": "b", "c": "b"}

    @pytest.mark.parametrize("circle", [{"a": "a"}, {"a": "b", "b": "c", "c": "a"}])
    def test_a_circle_is_refused_and_changes_nothing(self, several, circle):
        set_causes({"d": "a"})
        with pytest.raises(ValueError, match="of each other"):
            set_causes({"d": "b", **circle})
        assert causes() == {"d": "a"}

    def test_whatever_is_said_in_whatever_order(self, raised):
        generator = random.Random(5)
        names = [f"n{number}" for number in range(8)]
        for name in names:
            raised(name)
        for _ in range(60):
            order = generator.sample(names, len(names))
            said = generator.sample(range(1, len(names)), 3)
            given = {order[at]: generator.choice([None, *order[:at]]) for at in said}
            set_causes(given)
            found = causes()
            assert not set(found) & set(found.values())
            for name, cause in given.items():
                root = cause and found.get(cause, cause)
                assert found.get(name) == root, (given, found)


class TestWhatIsNotThere:
    def test_a_cause_without_an_alert_is_none(self, several):
        operations.resolve_alert(fingerprint="a", reason="over")
        assert set_causes({"b": "a", "c": "never"}) == 0
        assert causes() == {}

    def test_an_effect_without_an_alert_is_left_out(self, several):
        assert set_causes({"never": "a"}) == 0
        assert set_causes({}) == 0

    def test_words_say_why_where_there_is_no_alert(self, several, raised):
        set_causes({"b": None}, because={"b": "It needs x, which is stopped.", "c": "not asked"})
        assert document("b")["because"] == "It needs x, which is stopped."
        assert document("c")["because"] == ""
        raised("b")
        assert document("b")["because"] == "It needs x, which is stopped."
        set_causes({"b": "a"}, because={"b": "It needs x, which is stopped."})
        assert document("b")["because"] == ""

    def test_words_that_are_too_long_are_cut(self, several):
        set_causes({"b": None}, because={"b": "x" * 1000 + "\0"})
        assert len(document("b")["because"]) == bounds.MAX_REMARK


class TestTheEndOfACause:
    @pytest.mark.parametrize("by", ["source", "person"])
    def test_its_effects_stand_for_themselves_again(self, several, by):
        set_causes({"b": "a", "c": "a"})
        operations.resolve_alert(fingerprint="c", reason="over")
        if by == "source":
            operations.resolve_alert(fingerprint="a", reason="over")
        else:
            operations.resolve(alert_id=Alert.objects.get(fingerprint="a").pk, actor=SYSTEM)
        assert causes() == {}
        assert status_of(Alert.objects.get(fingerprint="b")) == "open"
        [ungrouped] = Event.objects.filter(name="alert.ungrouped")
        assert ungrouped.subject == document("b")["id"]

    def test_a_resolved_effect_keeps_it_as_history(self, several):
        set_causes({"b": "a"})
        for fingerprint in "ba":
            operations.resolve_alert(fingerprint=fingerprint, reason="over")
        assert document("b")["cause_id"] == document("a")["id"]
        assert document("a")["effects"] == 0

    def test_what_comes_up_again_is_not_grouped_by_itself(self, several, raised):
        set_causes({"b": "a"})
        operations.resolve_alert(fingerprint="b", reason="over")
        assert queries.get_alert(alert_id=raised("b").pk)["cause_id"] is None

    def test_what_is_deleted_takes_no_effect_with_it(self, several):
        set_causes({"b": "a"})
        Alert.objects.filter(fingerprint="a").delete()
        assert document("b")["cause_id"] is None


def test_grouped_alerts_are_one_thing_to_do(several, raised):
    set_causes({"b": "a", "c": "a"})
    assert queries.open_by_severity() == {"info": 0, "warning": 2, "critical": 0}
    operations.resolve_alert(fingerprint="a", reason="over")
    assert queries.open_by_severity() == {"info": 0, "warning": 3, "critical": 0}


def test_many_cost_as_many_statements_as_a_few(raised):
    def statements(number: int) -> int:
        names = [f"{number}.{each}" for each in range(number)]
        for name in names:
            raised(name)
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert set_causes(dict.fromkeys(names[1:], names[0])) == number - 1
        return len(captured)

    assert statements(3) == statements(60) <= 8


@pytest.mark.django_db(transaction=True)
def test_a_process_that_is_frozen_does_not_hold_up_the_others_for_ever(several, monkeypatch):
    monkeypatch.setattr(grouping, "FROZEN_SECONDS", 0.3)
    frozen, over = threading.Event(), threading.Event()

    def freeze() -> None:
        with suppress(DatabaseError), transaction.atomic():
            grouping.take_turns()
            Alert.objects.filter(fingerprint="a").update(title="never")
            frozen.set()
            over.wait(20)
        connection.close()

    thread = threading.Thread(target=freeze)
    thread.start()
    try:
        assert frozen.wait(10)
        operations.resolve_alert(fingerprint="a", reason="over")
        assert not over.is_set()
    finally:
        over.set()
        thread.join(10)
    assert document("a")["title"] == "Part is slow"
    assert status_of(Alert.objects.get(fingerprint="a")) == "resolved"
