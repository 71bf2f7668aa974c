"""The instance's own parts are services by themselves."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from core.access.actor import SYSTEM
from core.access.models import AuditEntry
from core.events.models import Event
from core.health import parts
from core.health.parts import Part, Progress, Sight
from services.registry import operations, own_parts
from services.registry.models import Origin, Service, State
from services.registry.operations import PartOfTheInstance
from tasks import operations as tasks
from tests.services import specimens

pytestmark = pytest.mark.django_db


@pytest.fixture
def door() -> Iterator[None]:
    with specimens.registered():
        yield


@pytest.fixture
def more() -> Iterator[type[Part]]:
    """There is one part more."""

    @parts.register("more", type="More", description="One more.", dependencies=("cache",))
    class More(Part):
        def look(self) -> Sight:
            return Sight("healthy")

        def restart(self, progress: Progress, *, since) -> None:
            progress.info("restarted")

    yield More
    parts.registry.remove("more")


def test_each_is_a_service_with_what_it_needs():
    own_parts.register()
    services = {each.name: each for each in Service.objects.filter(origin=Origin.INSTANCE)}
    assert services.keys() == set(parts.registry.names())
    for part in parts.registry:
        service = services[part.name]
        assert (service.type, service.description) == (part.type, part.description)
        assert operations.needs_of(service) == sorted(part.dependencies)
        assert service.probe["type"] == service.controller["type"] == "part"
        assert (service.probe["interval"], service.probe["timeout"]) == (10, 5)
        assert State.objects.filter(service=service).exists()


def test_it_is_told_and_only_once():
    own_parts.register()
    entries = AuditEntry.objects.filter(action="service.create")
    assert set(entries.values_list("target", flat=True)) == set(parts.registry.names())
    assert Event.objects.filter(name="service.created").count() == len(parts.registry)
    versions = dict(Service.objects.values_list("name", "version"))
    own_parts.register()
    assert dict(Service.objects.values_list("name", "version")) == versions
    assert entries.count() == len(parts.registry)


def test_what_operators_changed_stays(door):
    own_parts.register()
    changes = {
        "owner": "team", "tags": ["own"], "criticality": "critical", "description": "Ours.",
        "probe": {"interval": 60}, "controller": {"type": "door", "token": "secret"},
    }  # fmt: skip
    operations.change(name="cache", changes=changes, actor=SYSTEM)
    before = Service.objects.values().get(name="cache")
    own_parts.register()
    assert Service.objects.values().get(name="cache") == before
    assert before["probe"]["interval"] == 60
    assert before["secrets"]


def test_what_this_version_changes_of_one_is_changed(more):
    own_parts.register()
    more.type, more.dependencies = "Another", ("web",)
    own_parts.register()
    service = Service.objects.get(name="more")
    assert (service.type, operations.needs_of(service), service.version) == ("Another", ["web"], 2)


def test_one_that_is_gone_is_deleted_and_nothing_else(more, door):
    operations.create(document=specimens.definition(), actor=SYSTEM)
    own_parts.register()
    operations.change(name="shop", changes={"dependencies": ["more"]}, actor=SYSTEM)
    parts.registry.remove("more")
    own_parts.register()
    assert not Service.objects.filter(name="more").exists()
    assert operations.needs_of(Service.objects.get(name="shop")) == []
    assert Service.objects.count() == len(parts.registry) + 1


def test_one_that_is_acted_on_stays_until_it_is_not(more):
    own_parts.register()
    task = tasks.start("canary", parameters={}, actor=SYSTEM)
    State.objects.filter(service__name="more").update(acting=task)
    parts.registry.remove("more")
    own_parts.register()
    assert Service.objects.filter(name="more").exists()
    task.status = "completed"
    task.save()
    own_parts.register()
    assert not Service.objects.filter(name="more").exists()


def test_a_service_of_an_operator_keeps_its_name(more, door, caplog):
    operations.create(document=specimens.definition("cache"), actor=SYSTEM)
    own_parts.register()
    assert Service.objects.get(name="cache").origin == Origin.OPERATOR
    assert "cache can't be registered" in caplog.text
    assert operations.needs_of(Service.objects.get(name="more")) == []


def test_nobody_deletes_one():
    own_parts.register()
    with pytest.raises(PartOfTheInstance):
        operations.delete(name="task_workers", actor=SYSTEM)
