"""How often a service has been restarted by itself in vain, and the alert that says so."""

from __future__ import annotations

from django.db import transaction

from core.alerts.operations import resolve_alert
from services.registry.models import State


def fingerprint(name: str) -> str:
    return f"service.{name}.restarts"


@transaction.atomic
def forget(name: str, *, reason: str) -> None:
    """Begin to count anew."""
    counted = State.objects.filter(service__name=name, automatic_restarts__gt=0)
    if counted.update(automatic_restarts=0, next_restart_at=None):
        resolve_alert(fingerprint=fingerprint(name), reason=reason)
