"""Registering services from a file."""

from __future__ import annotations

import pytest

from core.access.actor import SYSTEM, Actor
from core.access.models import AuditEntry
from core.config.secrets import MASK
from core.errors import InvalidInput, PermissionDenied
from core.events.models import Event
from services.registry import files, graph, importing
from services.registry.models import Service
from tests.services.registry.changing import change, secrets_of
from tests.services.specimens import DOOR, PACE, WORD, definition

pytestmark = pytest.mark.django_db
VIEWER = Actor(kind="key", id="1", name="viewer", scopes=frozenset({"read:system"}))
LOCKED = {**DOOR, "password": WORD}


def apply(*services, **given) -> dict:
    return importing.apply(services=services, actor=SYSTEM, **given)


def wrong(*services, **given) -> set[tuple[str, str]]:
    with pytest.raises(InvalidInput) as caught:
        apply(*services, **given)
    return {(each.field, each.code) for each in caught.value.details}


def plan(**given) -> dict:
    empty = {"dry_run": False, "create": [], "change": [], "unchanged": [], "delete": []}
    return {**empty, **given}


def names() -> set[str]:
    return set(Service.objects.values_list("name", flat=True))


def test_what_is_not_there_is_created_in_whatever_order(db):
    services = (definition("shop", dependencies=["database"]), definition("database"))
    assert apply(*services) == plan(create=["shop", "database"])
    assert graph.load() == {"shop": frozenset({"database"})}
    assert AuditEntry.objects.filter(action="service.create").count() == 2


def test_done_again_it_changes_nothing(db):
    services = (
        definition("shop", dependencies=["database"], probe=LOCKED, slo={"target_percent": 99}),
        definition("database", tags=["a"]),
    )
    apply(*services)
    told = Event.objects.count()
    assert apply(*services) == plan(unchanged=["shop", "database"])
    assert Event.objects.count() == told
    assert set(Service.objects.values_list("version", flat=True)) == {1}


def test_a_definition_stands_for_all_of_a_service(create):
    create(owner="ada", description="Sells", controller={"type": "door", "token": WORD})
    assert apply(definition(description="Buys")) == plan(
        change=[
            {
                "name": "shop",
                "changes": {
                    "owner": {"before": "ada", "after": ""},
                    "description": {"before": "Sells", "after": "Buys"},
                    "controller": {"before": {"type": "door", "token": MASK}, "after": None},
                },
                "secrets": ["controller.token"],
            }
        ]
    )
    service = Service.objects.get()
    assert (service.owner, service.controller, secrets_of(service)) == ("", None, {})


def test_a_mask_keeps_the_secret_and_a_new_one_replaces_it(create):
    create(probe=LOCKED)
    assert apply(definition(probe={**LOCKED, "password": MASK}))["unchanged"] == ["shop"]
    [changed] = apply(definition(probe={**LOCKED, "password": "another"}))["change"]
    assert changed == {"name": "shop", "changes": {}, "secrets": ["probe.password"]}
    assert secrets_of(Service.objects.get()) == {"probe.password": "another"}
    assert wrong(definition("new", probe={**LOCKED, "password": MASK})) == {
        ("services.0.probe.password", "masked")
    }


def test_a_dry_run_says_the_same_and_changes_nothing(create):
    create("gone")
    create(owner="ada")
    services = (definition("shop"), definition("new", dependencies=["shop"]))
    events = Event.objects.count()
    told = apply(*services, prune=True, dry_run=True)
    assert names() == {"gone", "shop"}
    assert Service.objects.get(name="shop").owner == "ada"
    assert Event.objects.count() == events
    assert told == {**apply(*services, prune=True), "dry_run": True}
    assert names() == {"shop", "new"}


def test_all_of_it_or_nothing_and_all_that_is_wrong_is_said(create):
    create()
    assert wrong(
        definition("new"), definition(probe={"type": "door"}), definition("Bad"), "shop", None,
        definition("new"),
    ) == {
        ("services.1.probe.host", "missing"),
        ("services.2.name", "string_pattern_mismatch"),
        ("services.3", "invalid_type"),
        ("services.4", "invalid_type"),
        ("services.5.name", "repeated"),
    }  # fmt: skip
    assert names() == {"shop"}


@pytest.mark.parametrize("name", [None, 5, ["a"], "a\0b", "\ud800", ""])
def test_a_name_that_is_none_is_refused_at_its_place(db, name):
    [(field, _)] = wrong({**definition(), "name": name})
    assert field in ("services.0.name", "services.0")


def test_unknown_dependencies_and_circles_are_refused(create):
    create()
    assert wrong(definition("new"), definition("other", dependencies=["nobody"])) == {
        ("dependencies", "unknown_service")
    }
    circle = (definition("a", dependencies=["b"]), definition("b", dependencies=["a"]))
    assert wrong(*circle) == {("dependencies", "cycle")}
    assert names() == {"shop"}


def test_a_dependency_can_be_turned_round(create):
    create("a")
    create("b", dependencies=["a"])
    apply(definition("a", dependencies=["b"]), definition("b"))
    assert graph.load() == {"a": frozenset({"b"})}


class TestPruning:
    def test_what_the_file_does_not_name_goes(self, create, part):
        create("old")
        create("older", dependencies=["old"])
        create()
        assert apply(definition(), prune=True) == plan(unchanged=["shop"], delete=["old", "older"])
        assert names() == {"shop", "engine"}

    def test_not_when_the_file_needs_it(self, create):
        create("database")
        create(dependencies=["database"])
        assert wrong(definition(dependencies=["database"]), prune=True) == {
            ("services", "has_dependents")
        }
        assert names() == {"shop", "database"}

    def test_without_it_the_rest_stays(self, create):
        create("old")
        apply(definition())
        assert names() == {"shop", "old"}

    def test_of_nothing_it_leaves_only_the_instance(self, create, part):
        create()
        apply(prune=True)
        assert names() == {"engine"}


class TestPartsOfTheInstance:
    def test_what_is_not_named_stays(self, part):
        change("engine", owner="ada", tags=["core"])
        told = apply({"name": "engine", "owner": "bob", "probe": {"interval": 30}})
        assert told["change"][0]["changes"] == {"owner": {"before": "ada", "after": "bob"}}
        assert Service.objects.get().tags == ["core"]

    def test_what_they_are_can_not_be_said_otherwise(self, part):
        assert wrong({"name": "engine", "type": "Motor"}) == {
            ("services.0.type", "part_of_the_instance")
        }


def test_it_needs_the_scope(db):
    with pytest.raises(PermissionDenied):
        importing.apply(services=[], actor=VIEWER, dry_run=True)


class TestFiles:
    def test_what_is_exported_can_be_imported_again(self, create, part):
        create("database")
        create(
            probe={**LOCKED, "headers": {"a": "b"}}, controller={"type": "door", "token": WORD},
            dependencies=["database"], tags=["ümlaut"[1:]], slo={"target_percent": 99.5},
            restart_policy={}, config={"a": [1, {"b": None}]}, criticality="critical",
        )  # fmt: skip
        change("engine", owner="ada", slo={"target_percent": 99})
        text = files.write(files.exported())
        assert WORD not in text
        document = files.read(text)
        assert document == files.exported()
        assert apply(*document["services"])["unchanged"] == ["database", "engine", "shop"]

    def test_defaults_and_what_was_not_changed_of_the_instance_are_left_out(self, create, part):
        create()
        assert files.exported() == {"services": [definition(probe={**DOOR, **PACE})]}

    @pytest.mark.parametrize(
        ("text", "code"),
        [
            ("a: &a [x]\nb: *a", "not_yaml"),
            ("a: 1\na: 2", "not_yaml"),
            ("{", "not_yaml"),
            ("a: !!python/object/apply:os.getcwd []", "not_yaml"),
            ("a: 2024-01-01", "not_json"),
            ("a: .nan", "not_a_number"),
            ("a: .inf", "not_a_number"),
            ('a: "\\0"', "null_character"),
            ("a: 99999999999999999999", "out_of_range"),
            ("? [a]\n: b", "not_yaml"),
            ("1: a\n'1': b", "duplicate_key"),
            ("- a", "not_an_object"),
            ("", "not_an_object"),
            ("services", "not_an_object"),
            ("[" * 5000, "too_deep"),
            ("[" * 100 + "]" * 100, "too_deep"),
            ("a: " + "x" * 1024 * 1024, "too_large"),
        ],
        ids=lambda value: value[:12],
    )
    def test_a_file_that_is_none_is_refused(self, text, code):
        with pytest.raises(InvalidInput) as caught:
            files.read(text)
        assert [each.code for each in caught.value.details] == [code]
