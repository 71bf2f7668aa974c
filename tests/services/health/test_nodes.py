"""Services of a node without a worker: nobody looks at them, and people are told."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db.models.functions import Now

from core.alerts.models import Alert
from core.processes import loops
from core.processes import operations as processes
from core.processes.identity import Identity
from core.processes.models import Process
from services.health import nodes
from services.models import Service

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def first_turn() -> None:
    nodes._before.clear()


@pytest.fixture
def worker() -> Callable[[str], Process]:
    """A worker on a node."""

    def running(node: str) -> Process:
        identity = Identity(role="worker")
        processes.register(identity=identity)
        Process.objects.filter(pk=identity.id).update(node=node)
        return Process.objects.get(pk=identity.id)

    return running


def unresolved() -> list[Alert]:
    nodes.tell()
    return list(Alert.objects.filter(resolved_at=None))


def test_every_worker_looks_after_it():
    assert loops.registry.get("services.nodes").roles == {"worker"}


def test_people_are_told_once_nobody_is_left_there(service, worker):
    service("web", node="moon")
    service("db", node="moon", criticality="critical")
    service("mail", node="mars")
    worker("mars")
    there = worker("moon")
    assert unresolved() == unresolved() == []
    Process.objects.filter(pk=there.pk).update(stopped_at=Now())
    assert unresolved() == []  # it may be on its way back
    [alert] = unresolved()
    assert (alert.fingerprint, alert.severity) == ("services.node.moon", "critical")
    assert "db, web" in alert.message
    assert alert.details == {"node": "moon", "number": 2, "services": ["db", "web"]}
    [again] = unresolved()
    assert again.count == 1


def test_it_is_over_when_a_worker_is_back(service, worker):
    service("web", node="moon")
    assert [unresolved(), len(unresolved())] == [[], 1]
    worker("moon")
    assert unresolved() == []
    assert "again" in Alert.objects.get().resolution


@pytest.mark.parametrize("change", [{"node": ""}, {"desired_state": "stopped"}])
def test_it_is_over_when_no_service_needs_one(service, change):
    service("web", node="moon")
    assert [unresolved(), len(unresolved())] == [[], 1]
    Service.objects.update(**change)
    assert unresolved() == []


def test_a_child_that_its_worker_left_behind_does_not_look(service, worker):
    service("web", node="moon")
    Process.objects.filter(pk=worker("moon").pk).update(parent_pid=1)
    assert [unresolved(), len(unresolved())] == [[], 1]
