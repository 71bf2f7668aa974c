"""GET /schema and /docs: they tell the truth, and need nothing from elsewhere."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.contrib.staticfiles import finders
from openapi_spec_validator import validate

from core.access.scopes import ALL_SCOPES


@pytest.fixture
def schema(client) -> dict[str, Any]:
    return client.get("/api/v1/schema").json()


def operations(schema: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, method, operation)
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    ]


def test_it_is_valid_openapi_3_1(schema):
    assert schema["openapi"] == "3.1.0"
    validate(schema)


@pytest.mark.parametrize(
    ("query", "accept"), [("?format=yaml", "*/*"), ("", "application/yaml, */*;q=0.1")]
)
def test_it_comes_as_yaml_too(client, schema, query, accept):
    answer = client.get(f"/api/v1/schema{query}", headers={"Accept": accept})
    assert answer["Content-Type"] == "application/yaml"
    assert yaml.safe_load(answer.content) == schema


def test_every_operation_says_what_it_needs_and_how_it_fails(schema):
    for path, method, operation in operations(schema):
        scope = operation.get("x-scope")
        if scope is None:
            assert operation["security"] == [{}], path
        else:
            assert scope in ALL_SCOPES, path
            assert f"`{scope}`" in operation["description"], path
            assert {"401", "403"} <= set(operation["responses"]), path
        assert {"400", "500", "503"} <= set(operation["responses"]), path
        by_section = (path, method) == ("/api/v1/config", "get")
        may_be_absent = "{" in path or by_section
        assert ("404" in operation["responses"]) == may_be_absent, path
        if method == "post":
            assert {"409", "422"} <= set(operation["responses"]), path


def test_every_error_lists_its_codes_and_is_the_error_envelope(schema):
    for path, _, operation in operations(schema):
        for status, answer in operation["responses"].items():
            if status >= "400" and "content" in answer:
                shown = answer["content"]["application/json"]["schema"]
                is_error = shown == {"$ref": "#/components/schemas/Error"}
                assert not is_error or re.search(r"`[a-z_]+`", answer["description"]), path


def test_the_operation_ids_are_all_different(schema):
    ids = [operation["operationId"] for _, _, operation in operations(schema)]
    assert len(ids) == len(set(ids))


def test_what_goes_in_is_closed(schema):
    """One that is a choice is closed when each of its choices is."""
    components = schema["components"]["schemas"]
    for name in [name for name in components if name.endswith("Request")]:
        for choice in components[name].get("oneOf", [{"$ref": name}]):
            chosen = components[choice["$ref"].removeprefix("#/components/schemas/")]
            assert chosen["additionalProperties"] is False, name


def test_the_docs_load_from_this_instance_alone(client):
    answer = client.get("/api/v1/docs")
    page = answer.content.decode()
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(loaded) == 4
    assert all(each.startswith("/static/") for each in loaded)
    for each in loaded:
        assert finders.find(re.sub(r"^/static/", "", each)), each
    assert 'data-schema="/api/v1/schema"' in page


def test_the_docs_keep_a_strict_policy(client):
    answer = client.get("/api/v1/docs/")
    policy = answer["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    page = answer.content.decode()
    assert "<style" not in page
    assert not re.search(r"<script[^>]*>[^<]", page)
    assert not re.search(r"\son[a-z]+=|\sstyle=", page)


def test_the_docs_ask_nobody_else(client):
    script = Path(str(finders.find("api/docs.js"))).read_text()
    assert "validatorUrl: null" in script
    assert "://" not in script
