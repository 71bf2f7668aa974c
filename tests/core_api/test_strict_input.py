"""Serializers take what they say and nothing that is nearly it."""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.urls("tests.core_api.addresses")


@pytest.mark.parametrize(
    ("given", "field", "code"),
    [
        ({"nmae": "x"}, "nmae", "unknown_field"),
        ({"inner": {"size": 1, "more": 2}}, "inner.more", "unknown_field"),
        ({"name": 5}, "name", "invalid_type"),
        ({"count": "5"}, "count", "invalid_type"),
        ({"count": True}, "count", "invalid_type"),
        ({"count": 1.5}, "count", "invalid_type"),
        ({"flag": "true"}, "flag", "invalid_type"),
        ({"flag": 1}, "flag", "invalid_type"),
        ({"items": "12"}, "items", "invalid_type"),
        ({"items": [1, "2"]}, "items.1", "invalid_type"),
        ({"inner": {"size": "1"}}, "inner.size", "invalid_type"),
        ({"inner": {}}, "inner.size", "required"),
        ({"inner": []}, "inner", "invalid"),
        ({"name": None}, "name", "null"),
    ],
)
def test_it_refuses(post, given, field, code):
    answer = post(json.dumps(given).encode())
    assert answer.status_code == 400
    details = answer.json()["error"]["details"]
    assert [(each["field"], each["code"]) for each in details] == [(field, code)]


def test_every_problem_is_named_at_once(post):
    answer = post(b'{"nmae": "x", "count": "5", "inner": {}}')
    fields = {each["field"] for each in answer.json()["error"]["details"]}
    assert fields == {"nmae", "count", "inner.size"}


def test_the_message_of_an_unknown_field_names_the_known_ones(post):
    message = post(b'{"nmae": "x"}').json()["error"]["message"]
    assert message == "nmae: There is no such field; known: name, count, flag, items, inner."


def test_it_takes_what_fits(post):
    given = {"name": "x", "count": 5, "flag": True, "items": [1], "inner": {"size": 2}}
    assert post(json.dumps(given).encode()).json() == {"success": True, "data": given}
