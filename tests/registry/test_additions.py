"""What one part adds to the registries can be taken out and put back as a whole."""

from __future__ import annotations

import threading

import pytest

from core.registry import Additions, AlreadyRegistered, Registry, TooLate, recorded


@pytest.fixture
def things() -> Registry[object]:
    made: Registry[object] = Registry("thing")
    made.add("built in", object())
    return made


def test_what_is_added_in_the_block_is_noted_and_nothing_else(things):
    additions = Additions()
    with recorded(additions):
        entry = things.add("mine", object())
        things.add("built in", things.get("built in"))
    things.add("later", object())
    assert [(each.kind, each.name, each.entry) for each in additions] == [("thing", "mine", entry)]


def test_another_thread_is_not_noted(things):
    additions = Additions()
    with recorded(additions):
        thread = threading.Thread(target=things.add, args=("other", object()))
        thread.start()
        thread.join()
    assert list(additions) == []


def test_a_refused_entry_is_not_noted(things):
    additions = Additions()
    with recorded(additions), pytest.raises(AlreadyRegistered):
        things.add("built in", object())
    assert list(additions) == []


def test_it_is_taken_out_and_put_back_as_it_was(things):
    additions = Additions()
    with recorded(additions):
        entry = things.add("mine", object())
    for _ in range(2):  # repeated: nothing more happens
        additions.take_out()
        assert things.names() == ["built in"]
    for _ in range(2):
        additions.put_back()
        assert things.get("mine") is entry


def test_what_others_put_in_its_place_stays(things):
    additions = Additions()
    with recorded(additions):
        things.add("mine", object())
    things.remove("mine")
    other = things.add("mine", object())
    additions.take_out()
    assert things.get("mine") is other


def test_putting_back_is_all_or_nothing(things):
    additions = Additions()
    with recorded(additions):
        things.add("first", object())
        things.add("second", object())
    additions.take_out()
    other = things.add("second", object())
    with pytest.raises(AlreadyRegistered):
        additions.put_back()
    assert things.names() == ["built in", "second"]
    assert things.get("second") is other


def test_after_the_close_nothing_can_be_added(things):
    additions = Additions()
    with recorded(additions):
        additions.close()
        with pytest.raises(TooLate):
            things.add("mine", object())
    assert "mine" not in things
