from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from core.health import checks


@pytest.fixture
def only_own_checks(monkeypatch) -> None:
    """No check but those the test registers."""
    monkeypatch.setattr(checks.registry, "_entries", {})
    monkeypatch.setattr(checks.components, "_entries", {})


@pytest.fixture
def check(only_own_checks) -> Callable[..., Any]:
    """Register a function as a check: `check(function, component="a", name="b", …)`."""

    def add(measure: Callable[[], Any], **options: Any) -> checks.Check:
        options = {"component": "part", "name": "works", "deadline": 0.3, "cadence": 0.2} | options
        checks.register(**options)(measure)
        return checks.registry.get(f"{options['component']}.{options['name']}")

    return add


@pytest.fixture
def client(make_key) -> Client:
    """A client that may look at the system."""
    return Client(headers={"X-API-Key": make_key("read:system")})
