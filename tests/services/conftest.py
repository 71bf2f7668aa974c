"""What the tests of services share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from core import options

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
