"""Telling of what became of alerts."""

from __future__ import annotations

from typing import Any

from core import ids
from core.alerts import queries
from core.alerts.models import Alert
from core.events import operations as events


def publish(alert: Alert, past: str, *, actor: str = "", **more: Any) -> None:
    """`past` is what became of it: raised, resolved, …"""
    publish_all([(alert, more)], past, actor=actor)


def publish_all(told: list[tuple[Alert, dict[str, Any]]], past: str, *, actor: str = "") -> None:
    """The same of several alerts, each with what there is to say beyond its own facts."""
    events.publish_all(
        f"alert.{past}",
        [
            (ids.external(queries.PREFIX, alert.pk), {**_facts(alert), **more})
            for alert, more in told
        ],
        actor=actor,
    )


def _facts(alert: Alert) -> dict[str, Any]:
    names = ("fingerprint", "source", "severity", "title")
    return {name: getattr(alert, name) for name in names}
