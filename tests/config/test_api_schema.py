"""GET /config/schema: the declarations as JSON Schema."""

from __future__ import annotations

from typing import Annotated, Literal

import pytest
from drf_spectacular.generators import SchemaGenerator
from jsonschema import Draft202012Validator
from pydantic import BaseModel, Field

pytestmark = pytest.mark.django_db


class Rule(BaseModel):
    name: str
    deadline: Annotated[float, Field(gt=0)]
    then: list[Rule] = []


@pytest.fixture
def schema(api, declare):
    declare("share", unit="%", help="A share of it.")
    declare("slow", restart=("web",), restart_reason="It is read once.")
    declare("token", str, default="x", secret=True)
    declare("port", int, default=1, read_only=True)
    declare("given", int, default=1, variable="GIVEN", environment=2)
    declare("level", Literal["low", "high"], default="low")
    declare("rules", list[Rule], default=[])
    answer = api("GET", "config/schema")
    assert answer.status_code == 200
    return answer.json()["data"]


def option(schema: dict, name: str) -> dict:
    return schema["properties"]["test"]["properties"][name]


def test_it_is_json_schema_of_2020(schema):
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"].endswith("2020-12/schema")


def test_an_option_says_all_that_is_known_of_it(schema):
    assert option(schema, "share") == {
        "type": "integer", "minimum": 0, "maximum": 100, "title": "Share",
        "description": "A share of it.", "default": 10, "unit": "%",
    }  # fmt: skip
    assert option(schema, "slow")["x-restart"] == {"roles": ["web"], "reason": "It is read once."}
    assert option(schema, "level")["enum"] == ["low", "high"]


def test_secrets_are_write_only_and_have_no_default_here(schema):
    assert option(schema, "token")["writeOnly"] is True
    assert "default" not in option(schema, "token")


def test_what_can_not_be_changed_is_read_only(schema):
    assert option(schema, "port")["readOnly"] is True
    assert option(schema, "given")["readOnly"] is True
    assert option(schema, "given")["x-variable"] == "GIVEN"
    assert "readOnly" not in option(schema, "share")


def test_a_configuration_fits_its_schema_and_a_wrong_one_does_not(schema, api):
    document = api("GET", "config?section=test").json()["data"]
    validator = Draft202012Validator(schema)
    assert list(validator.iter_errors(document)) == []
    rules = [{"name": "a", "deadline": 1, "then": [{"name": "b", "deadline": 2}]}]
    assert list(validator.iter_errors({"test": {"rules": rules}})) == []
    for wrong in ({"share": 101}, {"away": 1}, {"rules": [{"name": "a", "deadline": 0}]}):
        assert list(validator.iter_errors({"test": wrong})) != []


def test_the_openapi_document_describes_the_body_by_the_declarations(schema, client):
    document = SchemaGenerator().get_schema(request=None, public=True)
    body = document["components"]["schemas"]["ValuesInRequest"]
    properties = body["properties"]["test"]["properties"]
    assert {"share", "slow", "token", "level", "rules"} == set(properties)
    assert {"type": "null"} in properties["share"]["anyOf"]
    assert body["additionalProperties"] is False
