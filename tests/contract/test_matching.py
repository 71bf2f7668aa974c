"""The matcher that judges real responses is right itself: it accepts, and it refuses."""

import pytest

from tests.contract.matching import Matcher

TASK_ID = "task_01h455vb4pex5vsknk084sn02q"


def complaints(example, actual, **allowed):
    matcher = Matcher(**{name: frozenset(places) for name, places in allowed.items()})
    return list(matcher.complaints(example, actual))


@pytest.mark.parametrize(
    ("example", "actual"),
    [
        ({"a": 1}, {"a": 2}),
        ({"a": 1}, {"a": 2.5}),
        ({"a": 0.5}, {"a": 1}),
        ({"a": 1}, {"a": 2, "more": "keys"}),
        ({"a": True}, {"a": False}),
        ({"a": {"b": "x"}}, {"a": {"b": ""}}),
        ({"a": []}, {"a": [1, "two"]}),
        ({"a": [1]}, {"a": [2, 3]}),
        ({"at": "2024-01-01T12:00:00Z"}, {"at": "2031-12-31T23:59:59.123456Z"}),
        ({"id": "task_123456"}, {"id": TASK_ID}),
        ({"name": "update_config"}, {"name": "anything at all"}),
    ],
)
def test_a_fitting_document_is_accepted(example, actual):
    assert complaints(example, actual) == []


@pytest.mark.parametrize(
    ("example", "actual", "place"),
    [
        ({"a": 1}, {}, "a"),
        ({"a": 1}, {"a": "1"}, "a"),
        ({"a": 1}, {"a": True}, "a"),
        ({"a": True}, {"a": 1}, "a"),
        ({"a": 1}, {"a": None}, "a"),
        ({"a": {}}, {"a": []}, "a"),
        ({"a": {"b": 1}}, {"a": {"b": {}}}, "a.b"),
        ({"a": [{"b": 1}]}, {"a": [{"b": 1}, {}]}, "a[].b"),
        ({"a": [1]}, {"a": []}, "a"),
        ({"at": "2024-01-01T12:00:00Z"}, {"at": "2024-01-01T12:00:00+00:00"}, "at"),
        ({"at": "2024-01-01T12:00:00Z"}, {"at": "2024-01-01 12:00:00Z"}, "at"),
        ({"id": "task_123456"}, {"id": "task_123456"}, "id"),
        ({"id": "task_123456"}, {"id": TASK_ID.replace("task", "job")}, "id"),
        ({"id": "task_123456"}, {"id": TASK_ID.upper()}, "id"),
        ({"a": 1}, [], "the document"),
        ({"a": 1}, None, "the document"),
    ],
)
def test_a_document_that_does_not_fit_is_refused_with_the_place(example, actual, place):
    found = complaints(example, actual)
    assert len(found) == 1
    assert found[0].startswith(f"{place} is")


def test_null_is_accepted_only_where_the_contract_allows_it():
    example = {"tasks": [{"result": {"n": 1}, "type": "x"}]}
    actual = {"tasks": [{"result": None, "type": None}]}
    assert complaints(example, actual, nullable=["tasks[].result"]) == ["tasks[].type is null"]


def test_an_open_map_has_any_keys_but_is_a_map():
    example = {"tasks": [{"details": {"plugin_id": "x"}}]}
    allowed = {"open_maps": ["tasks[].details"]}
    assert complaints(example, {"tasks": [{"details": {"other": 1}}]}, **allowed) == []
    assert len(complaints(example, {"tasks": [{"details": []}]}, **allowed)) == 1


def test_a_free_place_has_anything():
    allowed = {"free": ["a[].b"]}
    for value in (None, 1, "x", {}, []):
        assert complaints({"a": [{"b": "x"}]}, {"a": [{"b": value}]}, **allowed) == []
    assert len(complaints({"a": [{"b": "x"}]}, {"a": [{}]}, **allowed)) == 1


def test_an_empty_list_is_accepted_only_where_the_caller_expects_it():
    assert complaints({"a": [{"b": 1}]}, {"a": []}, may_be_empty=["a"]) == []


def test_items_without_a_name_have_the_keys_of_all_examples():
    examples = {"tasks": [{"id": 1, "details": {}}, {"id": 2, "result": {}}]}
    assert complaints(examples, {"tasks": [{"id": 3, "details": {}, "result": {}}]}) == []
    assert complaints(examples, {"tasks": [{"id": 3, "details": {}}]}) == [
        "tasks[].result is missing"
    ]


def test_items_with_a_name_are_measured_by_the_example_of_that_name():
    examples = [{"name": "connection", "ms": 1}, {"name": "size", "mb": 1}]
    assert complaints(examples, [{"name": "connection", "ms": 2}]) == []
    assert complaints(examples, [{"name": "connection", "mb": 2}]) == ["[].ms is missing"]
    assert complaints(examples, [{"name": "of its own"}]) == []
    assert complaints(examples, [{"mb": 1}]) == ["[].name is missing"]
