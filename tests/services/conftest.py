"""What the tests of services share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from core import options
from core.access.actor import SYSTEM
from services.registry import operations
from services.registry.models import Origin, Service, State
from tests.services import specimens
from tests.services.fleets import free_broker, supervised

LOOPBACK = ["127.0.0.0/8", "::1/128"]


@pytest.fixture
def loopback_allowed() -> Iterator[None]:
    """Probes and controllers may connect to this machine, where the tests' servers are."""
    with options.replaced({"outgoing.allowed_networks": LOOPBACK}):
        yield


@pytest.fixture
def nothing_allowed(loopback_allowed: None) -> Iterator[None]:
    """As an instance comes: only public addresses may be connected to."""
    with options.replaced({"outgoing.allowed_networks": []}):
        yield


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The broker of a Celery application that has a worker with three processes."""
    broker_url = free_broker()
    with supervised(tmp_path_factory.mktemp("fleet"), broker_url=broker_url):
        yield broker_url


@pytest.fixture
def door() -> Iterator[None]:
    """A type of probes and one of controllers, each with a secret."""
    with specimens.registered():
        yield


@pytest.fixture
def create(db, door) -> Callable[..., Service]:
    """Register a service: `create("shop", dependencies=["database"])`."""

    def add(name: str = "shop", **given: Any) -> Service:
        return operations.create(document=specimens.definition(name, **given), actor=SYSTEM)

    return add


@pytest.fixture
def part(db) -> Service:
    """A part of the instance itself."""
    service = Service.objects.create(
        name="engine", type="Engine", origin=Origin.INSTANCE,
        probe={"type": "part", **specimens.PACE}, controller={"type": "part"},
    )  # fmt: skip
    State.objects.create(service=service)
    return service
