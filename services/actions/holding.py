"""Which task acts upon which service: one at a time, and what readers see meanwhile."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from django.db import transaction
from django.db.models import Case, F, Q, QuerySet, Value, When
from django.db.models.functions import Now

from services.actions.plan import Act
from services.controllers.base import RESTART, START, STOP
from services.probes.base import Status
from services.registry.models import DesiredState, Service, State
from services.registry.waking import due_now
from tasks.models import ACTIVE, Task
from tasks.operations import AlreadyRunning

TRANSIENT = (Status.STARTING, Status.RESTARTING)


def take(names: Collection[str], *, task_id: UUID) -> None:
    """Have the task act upon the services, in the current transaction.

    Raises AlreadyRunning when another one does; one that has ended does not count.
    """
    # Only a statement of its own, once the rows are locked, sees the tasks that others have put
    # there meanwhile: the row that a lock waited for is new, what was joined to it is not.
    locked = dict(_locked(names).values_list("acting_id", "service__name"))
    other = Task.objects.filter(pk__in=locked, status__in=ACTIVE).exclude(pk=task_id).first()
    if other is not None:
        raise AlreadyRunning(
            f"{other.external_id} acts upon {locked[other.pk]} already: wait for it or cancel it.",
            extra={"task_id": other.external_id},
        )
    State.objects.filter(service__name__in=names).update(acting=task_id)


@transaction.atomic
def begin(act: Act, *, is_aim: bool) -> None:
    """Say what is about to happen to the service. `is_aim`: it is to stay stopped when it is
    stopped now, not only until what it needs is back."""
    if act.action == STOP and not is_aim:
        _show(act.service, Status.RESTARTING)
        return
    _desire(act.service, DesiredState.STOPPED if act.action == STOP else DesiredState.RUNNING)
    if act.action in (START, RESTART):
        _show(act.service, Status.STARTING if act.action == START else Status.RESTARTING)


@transaction.atomic
def stopped(act: Act, *, is_aim: bool) -> None:
    """It has stopped: a look tells the rest, unless it is to come back soon."""
    if is_aim:
        _show(act.service, Status.STOPPED)
        due_now(act.service)


def is_back(name: str) -> None:
    """It is up: where a look has not said so yet, this does."""
    states = State.objects.filter(service__name=name, status__in=TRANSIENT)
    states.update(status=Status.RUNNING, status_since=Now())


@transaction.atomic
def release(names: Collection[str], *, task_id: UUID) -> None:
    """The task acts no longer. What it has left in between is unknown until the next look, which
    is due now."""
    locked = _locked(names).values_list("pk", flat=True)
    held = State.objects.filter(pk__in=list(locked), acting=task_id)
    in_between = Q(status__in=TRANSIENT)
    held.update(
        acting=None,
        status_since=Case(When(in_between, then=Now()), default=F("status_since")),
        status=Case(When(in_between, then=Value(Status.UNKNOWN)), default=F("status")),
    )
    due_now(*names)


def _locked(names: Collection[str]) -> QuerySet[State]:
    """In the order in which everybody locks them, so that nobody waits in a circle."""
    states = State.objects.filter(service__name__in=names).order_by("service_id")
    return states.select_for_update(of=("self",), no_key=True)


def desire_again(former: dict[str, str]) -> None:
    """Put back what was desired of services before."""
    for name, desired in former.items():
        _desire(name, desired)


def _desire(name: str, desired: str) -> None:
    Service.objects.filter(name=name).exclude(desired_state=desired).update(desired_state=desired)


def _show(name: str, status: Status) -> None:
    states = State.objects.filter(service__name=name).exclude(status=status)
    states.update(status=status, status_since=Now())
