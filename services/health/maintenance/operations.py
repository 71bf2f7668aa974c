"""Scheduling maintenance windows and ending them. Windows of a service may overlap."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from core import ids
from core.access import audit
from core.access.actor import Actor
from core.access.scopes import ADMIN_SERVICES
from core.errors import Conflict, InvalidInput, NotFound
from core.events.operations import publish
from core.text import remark
from services.health.maintenance import borders, queries
from services.health.models import MaintenanceWindow
from services.registry import queries as services
from services.registry.models import Service, State

MAX_LENGTH = timedelta(days=30)
MAX_AHEAD = timedelta(days=365)
MAX_REASON = 500
MAX_OPEN = 100  # windows of one service that have not ended
LATE = timedelta(minutes=1)  # how long a request may take, or another clock be behind


class TooManyWindows(Conflict):
    code = "too_many_windows"


@transaction.atomic
def schedule(
    *,
    name: str,
    ends_at: datetime | timedelta,
    reason: str,
    actor: Actor,
    starts_at: datetime | None = None,
) -> MaintenanceWindow:
    """Let a service be down from `starts_at` (None: from now on) until `ends_at`, or for so long.

    Raises PermissionDenied without the scope admin:services, NotFound, InvalidInput,
    TooManyWindows.
    """
    actor.require(ADMIN_SERVICES)
    reason = remark("reason", reason, at_most=MAX_REASON, is_required=True)
    now = timezone.now()
    opens_at = _beginning(starts_at, now)
    closes_at = _ending(ends_at, opens_at)
    service = _locked(services.get(name))
    if MaintenanceWindow.objects.filter(service=service, ends_at__gt=now).count() >= MAX_OPEN:
        message = f"{name} has {MAX_OPEN} windows that have not ended: end some of them first."
        raise TooManyWindows(message)
    window = MaintenanceWindow.objects.create(
        service=service,
        starts_at=opens_at,
        ends_at=closes_at,
        reason=reason,
        created_by=str(actor)[:200],
    )
    borders.settle(service.pk, until=now)
    _record(window, actor, "schedule", "scheduled")
    return window


@transaction.atomic
def end(*, name: str, window_id: UUID, actor: Actor) -> None:
    """End a window now; one that has not begun is called off and gone, one that is over stays
    as it is.

    Raises PermissionDenied without the scope admin:services, NotFound.
    """
    actor.require(ADMIN_SERVICES)
    service = _locked(services.get(name))
    window = MaintenanceWindow.objects.filter(service=service, pk=window_id).first()
    if window is None:
        raise NotFound(f"There is no such window of {name}.")
    now = timezone.now()
    if window.ends_at <= now:
        return
    if window.starts_at < now:
        window.ends_at = now
        window.save(update_fields=["ends_at"])
        borders.settle(service.pk, until=now)
        borders.look_now(service.pk)
    else:
        MaintenanceWindow.objects.filter(pk=window.pk).delete()
    _record(window, actor, "end", "ended")


def _beginning(starts_at: datetime | None, now: datetime) -> datetime:
    if starts_at is None:
        return now
    if timezone.is_naive(starts_at) or not now - LATE <= starts_at <= now + MAX_AHEAD:
        message = f"A window begins now or later, within {MAX_AHEAD.days} days."
        raise InvalidInput.field("starts_at", "out_of_range", message)
    return max(starts_at, now)


def _ending(ends_at: datetime | timedelta, start: datetime) -> datetime:
    if isinstance(ends_at, timedelta):
        is_right = timedelta(0) < ends_at <= MAX_LENGTH
    else:
        is_right = timezone.is_aware(ends_at) and start < ends_at <= start + MAX_LENGTH
    if not is_right:
        message = f"A window ends after its beginning, within {MAX_LENGTH.days} days."
        raise InvalidInput.field("ends_at", "out_of_range", message)
    return start + ends_at if isinstance(ends_at, timedelta) else ends_at


def _locked(service: Service) -> Service:
    """The service, whose health and history nobody else changes meanwhile. Raises NotFound."""
    if not State.objects.select_for_update().filter(pk=service.pk).values_list("pk"):
        raise services.unknown(service.name)
    return service


def _record(window: MaintenanceWindow, actor: Actor, verb: str, past: str) -> None:
    name = window.service.name
    details: dict[str, Any] = {
        "window": ids.external(queries.PREFIX, window.pk),
        "starts_at": window.starts_at,
        "ends_at": window.ends_at,
        "reason": window.reason,
    }
    audit.record(actor=actor, action=f"service.maintenance_{verb}", target=name, details=details)
    payload = {"service": name, **details}
    publish(f"service.maintenance_{past}", subject=name, payload=payload, actor=str(actor))
