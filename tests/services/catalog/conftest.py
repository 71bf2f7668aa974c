from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from rest_framework.test import APIClient

from core.access.actor import SYSTEM
from services.registry import operations
from services.registry.models import Origin, Service, State
from tests.services import specimens


@pytest.fixture(autouse=True)
def door() -> Iterator[None]:
    """A type of probes and one of controllers, each with a secret."""
    with specimens.registered():
        yield


@pytest.fixture
def create(db) -> Callable[..., Service]:
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


@pytest.fixture
def client(make_key) -> APIClient:
    """An operator."""
    client = APIClient()
    client.credentials(HTTP_X_API_KEY=make_key("admin:services"))
    return client
