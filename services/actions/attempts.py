"""How often a service has been restarted by itself in vain, and the alert that says so."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.db.models.functions import Now

from core.alerts.operations import resolve_alert
from services.registry.definitions import RestartPolicy
from services.registry.models import State


def fingerprint(name: str) -> str:
    return f"service.{name}.restarts"


@transaction.atomic
def forget(name: str, *, reason: str) -> None:
    """Begin to count anew."""
    counted = State.objects.filter(service__name=name, automatic_restarts__gt=0)
    if counted.update(automatic_restarts=0, next_restart_at=None):
        resolve_alert(fingerprint=fingerprint(name), reason=reason)


def pause(policy: RestartPolicy, number: int) -> timedelta:
    """From this attempt to the next one."""
    doubled = policy.backoff_seconds * 2.0 ** (number - 1)
    return timedelta(seconds=min(doubled, policy.max_backoff_seconds))


def failed(name: str) -> None:
    """The pause after the newest attempt begins now, when it has failed."""
    state = State.objects.select_related("service").filter(service__name=name).first()
    if state is None or state.service.restart_policy is None or not state.automatic_restarts:
        return
    policy = RestartPolicy.model_validate(state.service.restart_policy)
    State.objects.filter(pk=state.pk).update(
        next_restart_at=Now() + pause(policy, state.automatic_restarts)
    )
