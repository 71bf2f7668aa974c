"""Changing what a service is defined as."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from core.access.actor import SYSTEM, Actor
from core.access.models import AuditEntry
from core.config.secrets import MASK
from core.errors import InvalidInput, NotFound, PermissionDenied, PreconditionFailed
from core.events.models import Event
from services.controllers import base as controllers
from services.registry import documents, graph, operations
from services.registry.models import Service, State
from services.registry.operations import PartOfTheInstance
from tests.services.registry.changing import change, secrets_of, wrong
from tests.services.specimens import PACE, WORD, definition

pytestmark = pytest.mark.django_db
VIEWER = Actor(kind="key", id="1", name="viewer", scopes=frozenset({"read:system"}))
LOCKED = {"type": "door", "host": "shop", "password": WORD}


def test_what_is_not_named_stays(create):
    create(description="Sells", tags=["eu"], config={"a": 1, "b": 2})
    service = change(owner="ada", config={"a": 3})
    assert (service.owner, service.description, service.tags) == ("ada", "Sells", ["eu"])
    assert (service.config, service.version) == ({"a": 3}, 2)


def test_null_takes_an_optional_key_away(create):
    create(
        description="Sells", controller={"type": "door", "token": WORD},
        slo={"target_percent": 99}, restart_policy={}, dependencies=[],
    )  # fmt: skip
    service = change(
        description=None, controller=None, slo=None, restart_policy=None, dependencies=None
    )
    assert (service.description, service.controller) == ("", None)
    assert (service.slo, service.restart_policy) == (None, None)
    assert secrets_of(service) == {}


def test_null_is_refused_where_a_key_is_needed(create):
    create()
    assert wrong(probe=None, type=None) == {("probe", "missing"), ("type", "missing")}


def test_a_change_is_told_with_what_was_before_and_without_secrets(create):
    create(probe=LOCKED)
    change(owner="ada", probe={**LOCKED, "password": "another"})
    entry = AuditEntry.objects.get(action="service.change", target="shop")
    assert entry.details == {
        "changes": {"owner": {"before": "", "after": "ada"}}, "secrets": ["probe.password"]
    }  # fmt: skip
    assert Event.objects.get(name="service.changed").payload["changed"] == ["owner"]
    stored = str([list(model.objects.values()) for model in (Service, AuditEntry, Event)])
    assert WORD not in stored
    assert "another" not in stored


def test_a_change_of_nothing_is_none(create):
    create(probe=LOCKED, tags=["eu"])
    service = change(tags=["eu"], name="shop", probe={**LOCKED, "password": MASK})
    assert service.version == 1
    assert not AuditEntry.objects.filter(action="service.change").exists()
    assert not Event.objects.filter(name="service.changed").exists()


def test_a_name_stays(create):
    create()
    assert wrong(name="store") == {("name", "read_only")}


@pytest.mark.parametrize("name", ["nobody", "", "a\0b", "\ud800", "x" * 1000])
def test_a_service_there_is_not_is_not_found(name):
    with pytest.raises(NotFound):
        change(name, owner="ada")


def test_it_needs_the_scope(create):
    create()
    with pytest.raises(PermissionDenied):
        operations.change(name="shop", changes={}, actor=VIEWER)


def test_who_has_not_seen_the_newest_changes_nothing(create):
    service = create()
    etag = documents.etag({"id": service.pk, "version": service.version})
    operations.change(name="shop", changes={"owner": "ada"}, actor=SYSTEM, if_match=etag)
    with pytest.raises(PreconditionFailed):
        operations.change(name="shop", changes={"owner": "bob"}, actor=SYSTEM, if_match=etag)
    assert Service.objects.get().owner == "ada"


def test_a_type_that_is_gone_does_not_stand_in_the_way(create):
    create(controller={"type": "door", "token": WORD})
    kind = controllers.registry.get("door")
    controllers.registry.remove("door")
    try:
        assert change(owner="ada").owner == "ada"
        assert wrong(controller={"type": "door", "token": "new"}) == {
            ("controller.type", "unknown_type")
        }
    finally:
        controllers.registry.add("door", kind)


class TestWhenItIsLookedAt:
    @pytest.fixture(autouse=True)
    def looked_at(self, create):
        create("database")
        create()
        later = timezone.now() + timedelta(hours=1)
        State.objects.update(
            next_probe_at=later, failures_in_a_row=3, version="2", figures={"a": 1}
        )

    def state(self) -> State:
        return State.objects.get(service__name="shop")

    def is_due(self) -> bool:
        return self.state().next_probe_at <= timezone.now()

    def test_not_sooner_for_what_is_only_described(self):
        change(description="Sells", tags=["eu"], slo={"target_percent": 99})
        assert not self.is_due()

    def test_at_once_with_another_probe(self):
        change(probe={"type": "door", "host": "other"})
        assert self.is_due()
        assert (self.state().failures_in_a_row, self.state().version) == (0, "2")

    def test_at_once_and_as_unseen_with_another_type_of_probe(self):
        change(probe={"type": "gate", "password": WORD})
        assert self.is_due()
        assert (self.state().version, self.state().figures) == ("", {})

    def test_at_once_with_other_dependencies(self):
        change(dependencies=["database"])
        assert self.is_due()
        assert self.state().failures_in_a_row == 3


class TestDependencies:
    def test_they_are_replaced(self, create):
        for name in ("a", "b", "c"):
            create(name)
        change("c", dependencies=["a"])
        change("c", dependencies=["b", "b"])
        assert graph.load() == {"c": frozenset({"b"})}

    def test_a_circle_is_refused_naming_all_of_it(self, create):
        create("a")
        create("b", dependencies=["a"])
        create("c", dependencies=["b"])
        with pytest.raises(InvalidInput) as caught:
            change("a", dependencies=["c"])
        assert caught.value.message.startswith("Dependencies can't go in a circle: ")
        told = caught.value.message.partition(": ")[2].removesuffix(".").split(" → ")
        assert told in (["a", "c", "b", "a"], ["c", "b", "a", "c"], ["b", "a", "c", "b"])
        assert graph.load() == {"b": frozenset({"a"}), "c": frozenset({"b"})}

    def test_unknown_ones_are_all_named(self, create):
        create()
        with pytest.raises(InvalidInput) as caught:
            change(dependencies=["x", "y"])
        assert [each.message for each in caught.value.details] == [
            "shop can't depend on x: there is no such service.",
            "shop can't depend on y: there is no such service.",
        ]


class TestAPartOfTheInstance:
    def test_what_operators_may_say_of_it(self, part, create):
        service = change(
            "engine", description="Runs", owner="ada", tags=["core"], criticality="critical",
            slo={"target_percent": 99}, restart_policy={},
            probe={"interval": 20, "timeout": 3}, controller={"type": "door", "token": WORD},
        )  # fmt: skip
        assert service.probe == {"type": "part", **PACE, "interval": 20.0, "timeout": 3.0}
        assert service.controller == {"type": "door", "token": MASK}
        assert change("engine", controller=None).controller == {"type": "part"}

    @pytest.mark.parametrize(
        ("name", "value"),
        [("type", "Motor"), ("node", "b"), ("config", {"a": 1}), ("dependencies", ["shop"])],
    )
    def test_what_it_is_stays(self, part, create, name, value):
        create()
        with pytest.raises(PartOfTheInstance) as caught:
            change("engine", **{name: value})
        assert [each.field for each in caught.value.details] == [name]
        assert Service.objects.get(name="engine").version == 1

    def test_it_is_always_looked_at_in_its_own_way(self, part):
        assert wrong("engine", probe={"type": "door", "host": "shop"}) == {
            ("probe.type", "unknown_type")
        }
        assert wrong("engine", probe={"host": "shop"}) == {("probe.host", "extra_forbidden")}

    def test_no_other_service_can_be_one(self, create):
        create()
        assert wrong(controller={"type": "part"}) == {("controller.type", "unknown_type")}


def test_a_whole_definition_as_it_is_changes_nothing(create):
    create("database")
    service = create(**{
        **definition(), "probe": LOCKED, "controller": {"type": "door", "token": WORD},
        "dependencies": ["database"], "slo": {"target_percent": 99}, "restart_policy": {},
    })  # fmt: skip
    whole = documents.of_service(service, operations.needs_of(service))
    assert operations.change(name="shop", changes=whole, actor=SYSTEM).version == 1
