"""What is to happen when a window opens or closes, though no look sees anything new.

The history of a service is parted there, so that each period is excused as a whole or not at
all. Each border is passed once: the period that is current afterwards begins there.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now

from core.processes import loops
from services.health.models import HealthPeriod, MaintenanceWindow
from services.registry.models import DesiredState, State
from services.registry.waking import wake

SECONDS = 5.0

Window = tuple[datetime, datetime]


@loops.register("services.maintenance", roles={"worker"}, interval=SECONDS)
def pass_borders() -> None:
    """Pass every border whose time has come, also while nothing ran; the services are looked
    at at once, for people may have to be told now."""
    opened_or_closed = MaintenanceWindow.objects.filter(
        service=OuterRef("service"), ends_at__gt=OuterRef("started_at")
    ).filter(Q(starts_at__gt=OuterRef("started_at"), starts_at__lte=Now()) | Q(ends_at__lte=Now()))
    due = HealthPeriod.objects.filter(Exists(opened_or_closed), ended_at=None)
    for service_id in due.values_list("service_id", flat=True):
        _pass(service_id)


@transaction.atomic
def _pass(service_id: UUID) -> None:
    state = State.objects.select_for_update().filter(pk=service_id).annotate(now=Now()).first()
    if state is not None:
        settle(service_id, until=state.now)
        look_now(service_id)


def look_now(service_id: UUID) -> None:
    State.objects.filter(pk=service_id, next_probe_at__gt=Now()).update(next_probe_at=Now())
    wake()


def settle(service_id: UUID, *, until: datetime) -> None:
    """Part the service's current period at all borders up to `until`.

    Whoever calls it has locked the State row and not changed it yet. What changes the health of
    a service calls it first, with the time of the change.
    """
    period = HealthPeriod.objects.filter(service=service_id, ended_at=None).first()
    if period is None:
        return
    windows = list(
        MaintenanceWindow.objects.filter(
            service=service_id, starts_at__lte=until, ends_at__gt=period.started_at
        ).values_list("starts_at", "ends_at")
    )
    borders = {border for window in windows for border in window}
    inner = sorted(border for border in borders if period.started_at < border <= until)
    if inner:
        _part(period, inner, windows, is_stopped=_is_stopped(service_id))


def _part(
    period: HealthPeriod, borders: list[datetime], windows: list[Window], *, is_stopped: bool
) -> None:
    pieces = [
        HealthPeriod(
            service_id=period.service_id,
            health=period.health,
            reason=period.reason,
            excused=is_stopped or covers(windows, start),
            started_at=start,
            ended_at=end,
        )
        for start, end in zip(borders, [*borders[1:], None], strict=True)
    ]
    HealthPeriod.objects.filter(pk=period.pk).update(ended_at=borders[0])
    HealthPeriod.objects.bulk_create(pieces)


def covers(windows: Iterable[Window], at: datetime) -> bool:
    """A window has its beginning and not its end."""
    return any(start <= at < end for start, end in windows)


def _is_stopped(service_id: UUID) -> bool:
    stopped = Q(service__desired_state=DesiredState.STOPPED, status="stopped")
    return State.objects.filter(stopped, pk=service_id).exists()
