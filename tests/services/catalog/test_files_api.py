"""GET /services/export and POST /services/import."""

from __future__ import annotations

import pytest
import yaml

from core.config.secrets import MASK
from services.registry.models import Service
from tests.services.catalog.answers import code_of, data_of, wrong
from tests.services.specimens import DOOR, PACE, WORD, definition

pytestmark = pytest.mark.django_db


@pytest.fixture
def send(client):
    def post(body: str | bytes, media_type: str = "application/yaml", query: str = ""):
        return client.generic(
            "POST", f"/api/v1/services/import{query}", body, content_type=media_type
        )

    return post


def test_the_export_is_json_or_yaml(client, create):
    create(probe={**DOOR, "password": WORD})
    services = [definition(probe={**DOOR, **PACE, "password": MASK})]
    assert data_of(client.get("/api/v1/services/export")) == {"services": services}
    answer = client.get("/api/v1/services/export", headers={"Accept": "application/yaml"})
    assert answer["Content-Type"] == "application/yaml"
    assert yaml.safe_load(answer.content) == {"services": services}


def test_what_was_exported_changes_nothing_when_imported(client, send, create):
    create("database")
    create(probe={**DOOR, "password": WORD}, dependencies=["database"])
    for accept in ("application/yaml", "application/json"):
        answer = client.get("/api/v1/services/export", headers={"Accept": accept})
        body = answer.content
        if accept == "application/json":
            answer = client.post("/api/v1/services/import", answer.json()["data"], format="json")
        else:
            answer = send(body)
        assert data_of(answer)["unchanged"] == ["database", "shop"]


@pytest.mark.parametrize(
    "media_type",
    ["application/yaml", "application/x-yaml", "text/yaml", "text/yaml; charset=utf-8"],
)
def test_an_import_takes_yaml(send, media_type):
    body = "services:\n- {name: shop, type: Shop, probe: {type: door, host: shop}}\n"
    assert data_of(send(body, media_type))["create"] == ["shop"]
    assert Service.objects.get().name == "shop"


def test_a_dry_run_shows_the_plan(client, create):
    create(owner="ada")
    create("gone")
    document = {"services": [definition(owner="bob"), definition("new")]}
    path = "/api/v1/services/import?dry_run=true&prune=true"
    assert data_of(client.post(path, document, format="json")) == {
        "dry_run": True, "create": ["new"], "unchanged": [], "delete": ["gone"],
        "change": [
            {
                "name": "shop", "secrets": [],
                "changes": {"owner": {"before": "ada", "after": "bob"}},
            }
        ],
    }  # fmt: skip
    assert set(Service.objects.values_list("name", flat=True)) == {"shop", "gone"}


@pytest.mark.parametrize(
    ("body", "media_type", "fields"),
    [
        ("services: [", "text/yaml", {("", "not_yaml")}),
        ("services: {}", "text/yaml", {("services", "required")}),
        ("{}", "application/json", {("services", "required")}),
        ("[]", "application/json", {("", "not_an_object")}),
        ("", "application/yaml", {("", "not_an_object")}),
        ("services: []\nprune: true", "text/yaml", {("prune", "unknown_field")}),
        ("services: [1]", "text/yaml", {("services.0", "invalid_type")}),
        (b"services: \xff", "text/yaml", {("", "not_utf_8")}),
        ("a: &a []\nservices: *a", "text/yaml", {("", "not_yaml")}),
    ],
)
def test_a_file_that_is_none_is_refused(send, body, media_type, fields):
    assert wrong(send(body, media_type)) == fields


def test_a_file_that_is_too_large_is_413(send):
    assert code_of(send("a" * (1024 * 1024 + 1)), 413) == "too_large"


def test_a_file_of_another_kind_is_415(send):
    assert code_of(send("a,b", "text/csv"), 415) == "unsupported_media_type"


@pytest.mark.parametrize("query", ["?dry_run=1", "?dry_run=yes", "?force=true"])
def test_a_query_that_makes_no_sense_is_refused(send, query):
    assert code_of(send("services: []", query=query), 400) == "invalid_input"
