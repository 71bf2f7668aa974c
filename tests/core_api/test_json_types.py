"""A value of another JSON type is refused at its place, never turned into the right one."""

import pytest
from rest_framework import serializers

from core.api.serializers import StrictSerializer


class Body(StrictSerializer):
    name = serializers.CharField(required=False)
    days = serializers.IntegerField(required=False)
    share = serializers.FloatField(required=False)
    really = serializers.BooleanField(required=False)
    level = serializers.ChoiceField(choices=["low", "high"], required=False)
    tags = serializers.ListField(child=serializers.CharField(), required=False)


class Query(StrictSerializer):
    days = serializers.IntegerField(required=False)


@pytest.mark.parametrize(
    "given",
    [
        {"name": "5"},
        {"days": 5},
        {"days": 5.0},
        {"share": 1},
        {"share": 1.5},
        {"really": False},
        {"level": "low"},
        {"tags": ["a", "b"]},
        {"tags": []},
    ],
)
def test_a_value_of_the_fields_type_is_taken(given):
    body = Body(data=given)
    assert body.is_valid(), body.errors


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ({"name": 5}, "name"),
        ({"name": 5.5}, "name"),
        ({"name": True}, "name"),
        ({"name": {}}, "name"),
        ({"days": "5"}, "days"),
        ({"days": 5.5}, "days"),
        ({"days": True}, "days"),
        ({"share": "1.5"}, "share"),
        ({"share": False}, "share"),
        ({"really": "yes"}, "really"),
        ({"really": 1}, "really"),
        ({"level": 1}, "level"),
        ({"tags": "a"}, "tags"),
        ({"tags": ["a", 1]}, "tags"),
        ({"name": None}, "name"),
    ],
)
def test_a_value_of_another_type_is_refused(given, place):
    body = Body(data=given)
    assert not body.is_valid()
    assert set(body.errors) == {place}


def test_every_wrong_value_is_named_at_once():
    body = Body(data={"name": 5, "days": "5", "unheard_of": 1, "level": "medium"})
    assert not body.is_valid()
    assert set(body.errors) == {"name", "days", "unheard_of", "level"}


def test_the_parameters_of_a_query_are_text():
    assert Query(data={"days": "5"}, context={"is_query": True}).is_valid()
    assert not Query(data={"unheard_of": "5"}, context={"is_query": True}).is_valid()
