"""Registering services."""

from __future__ import annotations

import threading

import pytest
from django.db import connection, connections, transaction

from core.access.actor import SYSTEM, Actor
from core.access.models import AuditEntry
from core.config.secrets import MASK
from core.errors import InvalidInput, PermissionDenied
from core.events.models import Event
from services.registry import definitions, documents, operations, secret_fields, waking
from services.registry.models import Service
from services.registry.operations import AlreadyExists
from tests.services.specimens import DOOR, PACE, WORD, definition

pytestmark = pytest.mark.django_db
VIEWER = Actor(kind="key", id="1", name="viewer", scopes=frozenset({"read:system"}))


def details(document: dict) -> set[tuple[str, str]]:
    with pytest.raises(InvalidInput) as caught:
        operations.create(document=document, actor=SYSTEM)
    return {(each.field, each.code) for each in caught.value.details}


def test_a_service_is_registered_with_its_state_and_told_of(create):
    create("database")
    service = create(
        description="Sells", owner="ada", tags=["eu", "eu", "web"], node="a",
        criticality="critical",
        controller={"type": "door", "token": WORD}, dependencies=["database"], config={"pool": 5},
        slo={"target_percent": 99.9}, restart_policy={},
    )  # fmt: skip
    assert documents.of_service(service, operations.needs_of(service)) == {
        "name": "shop", "type": "Shop", "description": "Sells", "owner": "ada",
        "tags": ["eu", "web"], "node": "a", "criticality": "critical",
        "probe": {**DOOR, **PACE}, "controller": {"type": "door", "token": MASK},
        "dependencies": ["database"], "config": {"pool": 5},
        "slo": {"target_percent": 99.9, "days": 30},
        "restart_policy": {
            "after_failures": 3, "max_attempts": 5, "backoff_seconds": 10.0,
            "max_backoff_seconds": 600.0,
        },
    }  # fmt: skip
    assert (service.origin, service.version, service.changed_by) == ("operator", 1, str(SYSTEM))
    assert (service.state.health, service.state.status) == ("unknown", "unknown")
    entry = AuditEntry.objects.get(action="service.create", target="shop")
    assert entry.details["secrets"] == ["controller.token"]
    event = Event.objects.get(name="service.created", subject="shop")
    assert event.payload["type"] == "Shop"


def test_a_secret_is_encrypted_and_nowhere_else(create):
    service = create(
        probe={"type": "door", "host": "shop", "headers": {"key": WORD}},
        controller={"type": "door", "token": WORD},
    )
    stored = [list(model.objects.values()) for model in (Service, AuditEntry, Event)]
    assert WORD not in str(stored)
    secrets = secret_fields.decrypted(service.secrets)
    assert secrets == {"probe.headers.key": WORD, "controller.token": WORD}
    probe = definitions.probe_of(service.probe, secrets)
    assert probe.configuration.headers["key"].get_secret_value() == WORD


@pytest.mark.django_db(transaction=True)
def test_the_loops_that_look_are_woken_at_the_commit(create):
    with connection.cursor() as cursor:
        cursor.execute(f'LISTEN "{waking.CHANNEL}"')
    with transaction.atomic():
        create()
        assert heard() == []
    assert heard() == [waking.CHANNEL]


def heard() -> list[str]:
    """What this connection has been notified of."""
    return [each.channel for each in connection.connection.notifies(timeout=0.2)]


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"name": "Shop"}, {("name", "string_pattern_mismatch")}),
        ({"name": "graph"}, {("name", "value_error")}),
        ({"name": 5}, {("name", "string_type")}),
        ({"name": "x" * 64}, {("name", "string_pattern_mismatch")}),
        ({"typ": "Shop"}, {("typ", "extra_forbidden")}),
        ({"probe": None}, {("probe", "dict_type")}),
        ({"probe": {}}, {("probe.type", "missing")}),
        ({"probe": {"type": "window"}}, {("probe.type", "unknown_type")}),
        ({"probe": {"type": "part"}}, {("probe.type", "unknown_type")}),
        ({"probe": {"type": ["door"]}}, {("probe.type", "unknown_type")}),
        ({"probe": {"type": "door"}}, {("probe.host", "missing")}),
        ({"probe": {**DOOR, "port": "80"}}, {("probe.port", "int_type")}),
        ({"probe": {**DOOR, "timeout": True}}, {("probe.timeout", "float_type")}),
        ({"probe": {**DOOR, "lock": 1}}, {("probe.lock", "extra_forbidden")}),
        ({"probe": {"type": "gate", "password": MASK}}, {("probe.password", "masked")}),
        ({"controller": {"type": "door"}}, {("controller.token", "missing")}),
        ({"controller": "door"}, {("controller", "dict_type")}),
        ({"dependencies": ["Database"]}, {("dependencies.0", "string_pattern_mismatch")}),
        ({"dependencies": ["nobody"]}, {("dependencies", "unknown_service")}),
        ({"dependencies": ["shop"]}, {("dependencies", "cycle")}),
        ({"dependencies": "database"}, {("dependencies", "tuple_type")}),
        ({"tags": ["a b"]}, {("tags.0", "string_pattern_mismatch")}),
        ({"criticality": "high"}, {("criticality", "literal_error")}),
        ({"slo": {"target_percent": 100}}, {("slo.target_percent", "less_than")}),
        ({"restart_policy": {"tries": 1}}, {("restart_policy.tries", "extra_forbidden")}),
        ({"node": "-"}, {("node", "string_pattern_mismatch")}),
        ({"description": "x" * 501}, {("description", "string_too_long")}),
        ({"description": "a\0b"}, {("description", "null_character")}),
        ({"config": {"a": "\ud800"}}, {("config.a", "lone_surrogate")}),
        ({"config": {"a": float("nan")}}, {("", "not_a_number")}),
        ({"config": {"a": 2**63}}, {("config.a", "out_of_range")}),
        ({"config": {str(number): 1 for number in range(101)}}, {("config", "too_long")}),
        (
            {"probe": {"type": "x"}, "tags": 5},
            {("probe.type", "unknown_type"), ("tags", "tuple_type")},
        ),
    ],
)
def test_a_definition_that_makes_no_sense_is_refused_with_the_place(given, wrong):
    assert details({**definition(), **given}) == wrong
    assert not Service.objects.exists()


@pytest.mark.parametrize("levels", [100, 100_000])
def test_a_definition_that_is_nested_too_deeply_is_refused(levels):
    nested: dict = {}
    for _ in range(levels):
        nested = {"a": nested}
    [(_, code)] = details(definition(config=nested))
    assert code == "too_deep"


def test_nothing_at_all_names_what_is_missing():
    assert details({}) == {("name", "missing"), ("type", "missing"), ("probe", "missing")}


def test_a_name_is_taken_once(create):
    create()
    with pytest.raises(AlreadyExists):
        create()


def test_it_needs_the_scope():
    with pytest.raises(PermissionDenied):
        operations.create(document=definition(), actor=VIEWER)


@pytest.mark.django_db(transaction=True)
def test_two_at_once_can_not_close_a_circle(create):
    create("a")
    create("b")
    refused: list[InvalidInput] = []
    ready = threading.Barrier(2)

    def depend(name: str, on: str) -> None:
        ready.wait(10)
        try:
            operations.change(name=name, changes={"dependencies": [on]}, actor=SYSTEM)
        except InvalidInput as error:
            refused.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=depend, args=pair) for pair in (("a", "b"), ("b", "a"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    [error] = refused
    assert error.details[0].code == "cycle"
    assert error.message in (
        "Dependencies can't go in a circle: a → b → a.",
        "Dependencies can't go in a circle: b → a → b.",
    )
