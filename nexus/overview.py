"""The first page: how the instance stands and what it is doing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from core.access.acting import acting
from core.access.scopes import READ_SYSTEM
from core.alerts import queries as alerts
from core.health import queries as health
from tasks import queries as tasks

TASKS_SHOWN = 8
ALERTS_SHOWN = 8


def context(request: HttpRequest, shown: dict[str, Any]) -> dict[str, Any]:
    """What the overview shows, added to the page's context. Nothing without read:system."""
    shown |= {"title": "Overview", "may_read": acting(request).has(READ_SYSTEM)}
    if not shown["may_read"]:
        return shown
    running = list(tasks.list_tasks(status="running").order_by("-created_at", "-id")[:TASKS_SHOWN])
    unseen = alerts.list_alerts(status="open", grouped=False)
    status = health.status()
    return shown | {
        "status": status,
        "up_since": timezone.now() - timedelta(seconds=status["uptime"]),
        "components": health.components()["components"],
        "alerts": [
            alerts.document(row) for row in unseen.order_by("-first_seen_at", "-id")[:ALERTS_SHOWN]
        ],
        "running": tasks.summaries(running),
    }
