"""GET /services/graph and /services/types."""

from __future__ import annotations

import jsonschema
import pytest

from services.catalog import queries
from services.controllers import base as controllers
from services.probes import base as probes
from tests.services.catalog.answers import data_of, seen, wrong
from tests.services.specimens import DOOR

pytestmark = pytest.mark.django_db


def test_the_graph_has_all_services_and_what_they_need(client, create, part):
    seen(create("database"), health="unhealthy", status="failed", reason="refused")
    create("a", dependencies=["database"], criticality="critical")
    create("b", dependencies=["a", "database"])
    graph = data_of(client.get("/api/v1/services/graph"))
    assert [each["name"] for each in graph["nodes"]] == ["a", "b", "database", "engine"]
    assert graph["nodes"][2] == {
        "name": "database", "type": "Shop", "criticality": "normal", "origin": "operator",
        "status": "failed", "health": "unhealthy", "reason": "refused",
    }  # fmt: skip
    assert graph["edges"] == [
        {"service": "a", "needs": "database"},
        {"service": "b", "needs": "a"},
        {"service": "b", "needs": "database"},
    ]


def test_the_graph_takes_as_many_queries_for_many(client, create, django_assert_num_queries):
    for number in range(10):
        create(f"s{number}", dependencies=[f"s{number - 1}"] if number else [])
    client.get("/api/v1/services/graph")
    with django_assert_num_queries(2):
        client.get("/api/v1/services/graph")


def test_of_one_service_the_graph_has_what_belongs_to_it(create):
    for name, needs in (("db", []), ("api", ["db"]), ("web", ["api"]), ("other", ["db"])):
        create(name, dependencies=needs)
    found = queries.graph(around="api")
    assert [each["name"] for each in found["nodes"]] == ["api", "db", "web"]
    assert found["edges"] == [
        {"service": "api", "needs": "db"},
        {"service": "web", "needs": "api"},
    ]
    assert queries.graph(around="gone") == {"nodes": [], "edges": []}


def test_no_services_are_an_empty_graph(client):
    assert data_of(client.get("/api/v1/services/graph")) == {"nodes": [], "edges": []}


def test_the_types_are_those_that_a_definition_may_have(client):
    types = data_of(client.get("/api/v1/services/types"))
    assert {each["type"] for each in types["probes"]} == {*probes.registry.names()} - {"part"}
    known = {*controllers.registry.names()} - {"part"}
    assert {each["type"] for each in types["controllers"]} == known
    [door] = (each for each in types["controllers"] if each["type"] == "door")
    assert (door["title"], door["has_logs"]) == ("Door", False)
    assert door["actions"] == ["restart", "start", "stop"]


def test_the_schema_of_a_type_takes_what_it_takes(client):
    types = data_of(client.get("/api/v1/services/types"))
    [schema] = (each["schema"] for each in types["probes"] if each["type"] == "door")
    jsonschema.validate({**DOOR, "password": "x"}, schema)
    for given in (
        {"type": "gate", "host": "a"},
        {"type": "door"},
        {**DOOR, "lock": 1},
        {**DOOR, "interval": 0},
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(given, schema)


def test_every_schema_is_one(client):
    types = data_of(client.get("/api/v1/services/types"))
    for each in types["probes"] + types["controllers"]:
        jsonschema.Draft202012Validator.check_schema(each["schema"])
        assert "$ref" not in str(each["schema"])


@pytest.mark.parametrize("what", ["graph", "types", "export"])
def test_they_stand_in_the_way_of_no_service(client, what):
    answer = client.post(
        "/api/v1/services", {"name": what, "type": "Shop", "probe": DOOR}, format="json"
    )
    assert wrong(answer) == {("name", "value_error")}
