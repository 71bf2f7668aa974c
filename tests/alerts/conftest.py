from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from core.access.actor import SYSTEM
from core.alerts import operations, queries
from core.alerts.models import Alert
from core.events.models import Event

Raise = Callable[..., Alert]


@pytest.fixture
def raised(db) -> Raise:
    """Raise an alert: `raised("test.a", severity="critical", …)`."""

    def add(fingerprint: str = "test.part", **given: Any) -> Alert:
        usual = {"source": "test", "severity": "warning", "title": "Part is slow", "message": "3 s"}
        return operations.raise_alert(fingerprint=fingerprint, **{**usual, **given})

    return add


@pytest.fixture
def silenced(raised) -> Raise:
    """Raise an alert that is silenced for an hour."""

    def add(fingerprint: str = "test.part", **given: Any) -> Alert:
        alert = raised(fingerprint, **given)
        until = timezone.now() + timedelta(hours=1)
        return operations.silence(alert_id=alert.pk, actor=SYSTEM, until=until, reason="known")

    return add


def status_of(alert: Alert) -> str:
    return queries.get_alert(alert_id=alert.pk)["status"]


def told() -> list[str]:
    """The names of the events about alerts, oldest first."""
    return list(
        Event.objects.filter(name__startswith="alert.")
        .order_by("created_at", "id")
        .values_list("name", flat=True)
    )
