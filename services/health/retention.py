"""How long the history of services is kept."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from django.db.models import F, QuerySet, Window
from django.db.models.functions import RowNumber
from pydantic import Field

from core import options, retention
from services.health.models import ErrorGroup, HealthPeriod, MaintenanceWindow

MOST_ERRORS = 200  # of one service, for a service may find ever new words for what went wrong

options.section(
    "services", title="Services", help="What the team runs: how it is watched and acted on."
)
KEEP_HISTORY = options.declare(
    "services.keep_history_days", Annotated[int, Field(ge=1, le=3650)], default=400, unit="days",
    help="How long it is kept how healthy services were and when they were worked on. The"
    " uptime of the last 90 days needs as many.",
)  # fmt: skip
KEEP_ERRORS = options.declare(
    "services.keep_errors_days", Annotated[int, Field(ge=1, le=3650)], default=90, unit="days",
    help="How long errors of services are kept, from when they were last seen.",
)  # fmt: skip


@retention.register("services.history")
def periods() -> QuerySet[HealthPeriod]:
    """The current ones stay, however old."""
    age = timedelta(days=KEEP_HISTORY.value)
    return retention.older_than(HealthPeriod.objects.all(), "ended_at", age)


@retention.register("services.maintenance")
def maintenance() -> QuerySet[MaintenanceWindow]:
    age = timedelta(days=KEEP_HISTORY.value)
    return retention.older_than(MaintenanceWindow.objects.all(), "ends_at", age)


@retention.register("services.errors")
def errors() -> QuerySet[ErrorGroup]:
    age = timedelta(days=KEEP_ERRORS.value)
    return retention.older_than(ErrorGroup.objects.all(), "last_seen_at", age)


@retention.register("services.many_errors")
def many_errors() -> QuerySet[ErrorGroup]:
    """Of each service the newest stay."""
    place = Window(
        RowNumber(), partition_by=F("service"), order_by=(F("last_seen_at").desc(), F("id").desc())
    )
    return ErrorGroup.objects.annotate(place=place).filter(place__gt=MOST_ERRORS)
