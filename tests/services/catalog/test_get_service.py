"""GET /services/{name}."""

from __future__ import annotations

import pytest

from core.config.secrets import MASK
from core.health import parts
from core.health.parts import Part, Sight
from services.health.models import ErrorGroup
from services.probes import base as probes
from services.registry import definitions
from services.registry.models import Service
from tests.services.catalog.answers import code_of, data_of, seen
from tests.services.specimens import DOOR, PACE, WORD

pytestmark = pytest.mark.django_db


def get(client, name: str = "shop") -> dict:
    return data_of(client.get(f"/api/v1/services/{name}"))


def test_all_that_is_known_of_it(client, create):
    create("database")
    service = create(
        probe={**DOOR, "password": WORD}, controller={"type": "door", "token": WORD},
        dependencies=["database"], config={"pool_size": 20}, slo={"target_percent": 99},
        restart_policy={},
    )  # fmt: skip
    create("a", dependencies=["shop"])
    create("b", dependencies=["shop", "database"])
    seen(service, figures={"depth": {"a": 1}}, failures_in_a_row=1)
    found = get(client)
    assert (found["dependencies"], found["dependents"]) == (["database"], ["a", "b"])
    assert found["config"] == {"pool_size": 20}
    assert found["probe"] == {**DOOR, **PACE, "password": MASK}
    assert found["controller"] == {"type": "door", "token": MASK}
    assert (found["actions"], found["has_logs"]) == (["start", "stop", "restart"], False)
    assert (found["slo"]["target_percent"], found["restart_policy"]["max_attempts"]) == (99, 5)
    assert (found["figures"], found["failures_in_a_row"]) == ({"depth": {"a": 1}}, 1)
    assert found["last_change"]["by"] == "system:nexus"
    assert found["problem"] is None
    assert WORD not in str(found)


def test_without_a_controller_nothing_can_be_done_to_it(client, create):
    create()
    found = get(client)
    assert (found["controller"], found["actions"]) == (None, [])


def test_what_went_wrong_last_comes_first(client, create):
    service = create()
    for number, error in enumerate(["old", "new"]):
        ErrorGroup.objects.create(
            service=service, fingerprint=error, error=error, count=number + 1,
            last_seen_at=f"2026-01-0{number + 1}T00:00:00Z",
        )  # fmt: skip
    errors = get(client)["recent_errors"]
    assert [(each["error"], each["count"]) for each in errors] == [("new", 2), ("old", 1)]
    assert errors[0]["timestamp"] == "2026-01-02T00:00:00Z"


def test_a_part_of_the_instance_shows_what_it_works_with(client, part):
    class Engine(Part):
        name, type, description = "engine", "Engine", ""

        def look(self) -> Sight:
            return Sight("healthy")

        def restart(self, progress, *, since) -> None:
            progress.info("restarted")

        def configuration(self) -> dict:
            return {"cylinders": 4}

    parts.registry.add("engine", Engine())
    try:
        found = get(client, "engine")
    finally:
        parts.registry.remove("engine")
    assert (found["config"], found["origin"]) == ({"cylinders": 4}, "instance")
    assert found["actions"] == ["restart"]


class TestADefinitionThatCanNotBeUsed:
    def test_a_secret_that_no_key_opens(self, client, create, settings):
        create(probe={**DOOR, "password": WORD}, controller={"type": "door", "token": WORD})
        settings.ENCRYPTION_KEYS = ["b25seS1mb3ItY2hlY2tzLW9ubHktZm9yLWNoZWNrcy0="]
        found = get(client)
        assert "NEXUS_ENCRYPTION_KEYS" in found["problem"]
        assert (found["actions"], found["probe"]["password"]) == ([], MASK)

    def test_a_type_that_is_gone(self, client, create):
        create()
        kind = probes.registry.get("door")
        probes.registry.remove("door")
        try:
            assert "door" in get(client)["problem"]
        finally:
            probes.registry.add("door", kind)

    def test_what_its_type_no_longer_takes(self, client, create):
        create()
        Service.objects.update(probe={**DOOR, **PACE, "window": 1})
        assert "Define it anew" in get(client)["problem"]

    def test_a_type_that_breaks_is_told_without_a_500(self, client, create, monkeypatch):
        create()
        monkeypatch.setattr(definitions, "probe_of", lambda *_: 1 / 0)
        assert get(client)["problem"] == "It can't be made: ZeroDivisionError."


@pytest.mark.parametrize("name", ["nobody", "Graph", "a%00b", "x" * 300, "%F0%9F%90%98"])
def test_a_service_there_is_not_is_404(client, db, name):
    assert code_of(client.get(f"/api/v1/services/{name}"), 404) == "not_found"


def test_no_cache_keeps_it_and_its_etag_is_of_the_definition(client, create):
    service = create()
    first = client.get("/api/v1/services/shop")
    seen(service)
    assert client.get("/api/v1/services/shop/")["ETag"] == first["ETag"]
    assert "no-store" in first["Cache-Control"]
