"""Reading maintenance windows."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Case, QuerySet, Value, When
from django.db.models.functions import Now

from core import ids
from core.api import external_ids
from services.health.models import MaintenanceWindow

PREFIX = "window"
STATUSES = ("scheduled", "current", "ended")
FIELDS = ("id", "starts_at", "ends_at", "reason", "created_at", "created_by")

Rows = QuerySet[MaintenanceWindow, dict[str, Any]]


def is_under_maintenance(service_ids: Collection[UUID], at: datetime) -> set[UUID]:
    """Those of the services for which a window was open at that time. One query."""
    windows = MaintenanceWindow.objects.filter(
        service__in=service_ids, starts_at__lte=at, ends_at__gt=at
    )
    return set(windows.values_list("service_id", flat=True))


def current(service_ids: Collection[UUID]) -> dict[UUID, dict[str, Any]]:
    """For each of the services under maintenance the window that lasts longest. One query."""
    windows = with_status().filter(service__in=service_ids, starts_at__lte=Now(), ends_at__gt=Now())
    rows = windows.order_by("ends_at", "id").values(*FIELDS, "status", "service_id")
    return {row.pop("service_id"): document(row) for row in rows}


def list_windows(*, service_id: UUID) -> Rows:
    """Rows for `core.api.pagination.page` by (ends_at, id), and `document` for each of them."""
    return with_status().filter(service=service_id).values(*FIELDS, "status")


def get_window(*, window_id: UUID) -> dict[str, Any]:
    """One window that there is, as `document`."""
    return document(with_status().values(*FIELDS, "status").get(pk=window_id))


def with_status() -> QuerySet[MaintenanceWindow]:
    """All windows; `status` is scheduled, current or ended."""
    return MaintenanceWindow.objects.annotate(
        status=Case(
            When(starts_at__gt=Now(), then=Value("scheduled")),
            When(ends_at__gt=Now(), then=Value("current")),
            default=Value("ended"),
        )
    )


def document(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "id": ids.external(PREFIX, row["id"])}


def internal_id(text: str) -> UUID:
    """Raises NotFound for what isn't the id of a window."""
    return external_ids.internal(PREFIX, text, unknown="There is no such window.")
