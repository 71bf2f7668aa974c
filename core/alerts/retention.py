"""How long resolved alerts are kept. The others stay."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from django.db.models import QuerySet
from pydantic import Field

from core import options, retention
from core.alerts.models import Alert

options.section("alerts", title="Alerts", help="What a person should know about.")
KEEP_DAYS = options.declare(
    "alerts.keep_days", Annotated[int, Field(ge=1, le=3650)], default=365,
    unit="days", help="How long resolved alerts are kept. The others stay.",
)  # fmt: skip


@retention.register("alerts.resolved")
def expired() -> QuerySet[Alert]:
    """The unresolved ones stay, however old."""
    keep = timedelta(days=KEEP_DAYS.value)
    return retention.older_than(Alert.objects.all(), "resolved_at", keep)
