"""Forgetting a service."""

from __future__ import annotations

import pytest

from core.access.actor import SYSTEM, Actor
from core.access.models import AuditEntry
from core.alerts.models import Alert
from core.alerts.operations import raise_alert
from core.errors import NotFound, PermissionDenied, PreconditionFailed
from core.events.models import Event
from services.health.models import HealthPeriod
from services.registry import operations
from services.registry.models import Service, State
from services.registry.operations import HasDependents, PartOfTheInstance
from tasks.models import Status, Task
from tasks.operations import AlreadyRunning
from tests.services.specimens import WORD

pytestmark = pytest.mark.django_db
VIEWER = Actor(kind="key", id="1", name="viewer", scopes=frozenset({"read:system"}))


def delete(name: str = "shop", **given) -> None:
    operations.delete(name=name, actor=SYSTEM, **given)


def test_it_goes_with_its_history_and_is_told(create):
    service = create(probe={"type": "door", "host": "shop", "password": WORD})
    HealthPeriod.objects.create(service=service, health="healthy", started_at=service.created_at)
    delete()
    assert not Service.objects.exists()
    assert not State.objects.exists()
    assert not HealthPeriod.objects.exists()
    entry = AuditEntry.objects.get(action="service.delete", target="shop")
    assert entry.details["definition"]["type"] == "Shop"
    assert WORD not in str(entry.details)
    assert Event.objects.get(name="service.deleted").subject == "shop"


def test_its_alerts_are_resolved_and_those_of_others_are_not(create):
    create()
    create("shop2")
    for fingerprint in ("service.shop", "service.shop.slo", "service.shop2", "service"):
        raise_alert(
            fingerprint=fingerprint, source="services", severity="warning", title="Down", message=""
        )
    delete()
    left = Alert.objects.filter(resolved_at=None).values_list("fingerprint", flat=True)
    assert set(left) == {"service.shop2", "service"}


def test_what_others_need_stays_and_they_are_named(create):
    create()
    create("a", dependencies=["shop"])
    create("b", dependencies=["shop"])
    with pytest.raises(HasDependents) as caught:
        delete()
    assert caught.value.extra == {"dependents": ["a", "b"]}
    delete("b")
    delete("a")
    delete()


def test_what_needs_others_can_go(create):
    create()
    create("a", dependencies=["shop"])
    delete("a")
    assert Service.objects.get().name == "shop"


@pytest.mark.parametrize("status", [Status.PENDING, Status.RUNNING])
def test_what_is_being_acted_on_stays(create, status):
    service = create()
    task = Task.objects.create(type="services.act", status=status, timeout=60, max_attempts=1)
    State.objects.filter(service=service).update(acting=task)
    with pytest.raises(AlreadyRunning) as caught:
        delete()
    assert caught.value.extra == {"task_id": task.external_id}
    Task.objects.update(status=Status.COMPLETED)
    delete()
    assert not Service.objects.exists()


def test_a_part_of_the_instance_stays(part):
    with pytest.raises(PartOfTheInstance):
        delete("engine")


def test_who_has_not_seen_the_newest_deletes_nothing(create):
    create()
    with pytest.raises(PreconditionFailed):
        delete(if_match='"older"')
    assert Service.objects.exists()


def test_a_service_there_is_not_is_not_found(db):
    with pytest.raises(NotFound):
        delete()


def test_it_needs_the_scope(create):
    create()
    with pytest.raises(PermissionDenied):
        operations.delete(name="shop", actor=VIEWER)
