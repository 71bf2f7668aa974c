"""What the tests of services share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from core import options
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
