"""Restarting what is unhealthy by itself, as its restart policy says, and giving up.

State.automatic_restarts counts the attempts. It begins anew when the service has been healthy
for as long as the longest pause between two attempts, when somebody starts or restarts it, or
without a policy.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from core.access.actor import SYSTEM
from core.alerts.models import Alert
from core.alerts.operations import raise_alert
from core.errors import NexusError
from core.events.operations import publish
from core.processes import loops
from services.actions import attempts, operations
from services.actions.plan import Others
from services.controllers.base import RESTART
from services.health.maintenance.queries import is_under_maintenance
from services.health.queries import effective
from services.registry import graph
from services.registry.definitions import RestartPolicy
from services.registry.models import Criticality, DesiredState, Health, State
from tasks.models import ACTIVE
from tasks.operations import AlreadyRunning

logger = logging.getLogger(__name__)

INTERVAL_SECONDS = 5.0


@loops.register("services.restarts", roles={"worker"}, interval=INTERVAL_SECONDS)
def turn() -> None:
    """One look at all that have a policy, by however many workers at once."""
    forget_recovered()
    names = list(_candidates().values_list("service__name", flat=True))
    known = graph.load() if names else {}
    for name in names:
        restart_if_due(name, known)


def _candidates() -> QuerySet[State]:
    return (
        State.objects.filter(
            service__restart_policy__isnull=False,
            service__desired_state=DesiredState.RUNNING,
            health=Health.UNHEALTHY,
        )
        .filter(Q(next_restart_at=None) | Q(next_restart_at__lte=Now()))
        .exclude(acting__status__in=ACTIVE)
        .order_by("service__name")
    )


@transaction.atomic
def restart_if_due(name: str, known: graph.Graph) -> None:
    """Under the lock of its row, which another worker that is at it holds."""
    rows = _candidates().filter(service__name=name).select_related("service").annotate(now=Now())
    state = rows.select_for_update(of=("self",), skip_locked=True).first()
    if state is None:
        return
    policy = RestartPolicy.model_validate(state.service.restart_policy)
    if state.failures_in_a_row < policy.after_failures or _is_excused(state, known, now=state.now):
        return
    if state.automatic_restarts < policy.max_attempts:
        _attempt(state, policy)
    elif not _is_given_up(state):
        _give_up(state)


def _is_excused(state: State, known: graph.Graph, *, now: datetime) -> bool:
    """Whether a restart is not wanted now, or would not help; or nobody knows how it is."""
    if effective(state, now=now).health != Health.UNHEALTHY:
        return True
    if is_under_maintenance([state.service_id], now):
        return True
    needed = State.objects.filter(service__name__in=graph.dependencies(state.service.name, known))
    down = Q(health=Health.UNHEALTHY) | Q(service__desired_state=DesiredState.STOPPED)
    return needed.filter(down | Q(acting__status__in=ACTIVE)).exists()


def _attempt(state: State, policy: RestartPolicy) -> None:
    """An attempt that can't even begin counts too, or nobody would ever be told."""
    name, number = state.service.name, state.automatic_restarts + 1
    reason = (
        f"Restart {number} of at most {policy.max_attempts} by its policy, after"
        f" {state.failures_in_a_row} failed looks in a row: {state.reason}"
    )[: operations.MAX_REASON]
    try:
        with transaction.atomic():
            operations.act(
                name=name, action=RESTART, actor=SYSTEM, others=Others.LEAVE, reason=reason
            )
    except AlreadyRunning:
        return  # somebody was quicker
    except NexusError as error:
        logger.warning("%s could not be restarted by its policy: %s", name, error.message)
    State.objects.filter(pk=state.pk).update(
        automatic_restarts=number,
        next_restart_at=Now() + attempts.pause(policy, number),
    )


def _is_given_up(state: State) -> bool:
    """Whether people know, even if one of them has resolved the alert, that there were so many
    attempts and there will be no more."""
    told = Alert.objects.filter(
        Q(resolved_at=None) | Q(first_seen_at__gte=state.since),
        fingerprint=attempts.fingerprint(state.service.name),
    )
    return told.filter(details__attempts=state.automatic_restarts).exists()


def _give_up(state: State) -> None:
    name, number = state.service.name, state.automatic_restarts
    facts = {"service": name, "attempts": number, "reason": state.reason}
    raise_alert(
        fingerprint=attempts.fingerprint(name),
        source="services",
        severity="critical" if state.service.criticality == Criticality.CRITICAL else "warning",
        title=f"{name} was restarted {number} times in vain",
        message=f"It is still unhealthy, and no longer restarted by itself: {state.reason}",
        details=facts,
    )
    publish("service.restart_given_up", subject=name, payload=facts, actor=str(SYSTEM))


def forget_recovered() -> None:
    """Begin to count anew for those that are well again, or have no policy any more."""
    counted = (
        State.objects.filter(automatic_restarts__gt=0)
        .annotate(now=Now())
        .values_list("service__name", "service__restart_policy", "health", "since", "now")
    )
    for name, reason in list(_recovered(counted)):
        attempts.forget(name, reason=reason)


def _recovered(rows: Iterable[tuple[Any, ...]]) -> Iterable[tuple[str, str]]:
    for name, policy, health, since, now in rows:
        if policy is None:
            yield name, "It has no restart policy any more."
            continue
        calm = timedelta(seconds=RestartPolicy.model_validate(policy).max_backoff_seconds)
        if health == Health.HEALTHY and now - since >= calm:
            yield name, f"It has been healthy for {calm.total_seconds():g} s."
