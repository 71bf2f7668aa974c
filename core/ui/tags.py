"""Template tags and filters of the operator pages: `{% load ui %}`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import template

from core.ui import figures, status

register = template.Library()

register.simple_tag(status.badge, name="badge")
register.filter("ago", figures.ago)
register.filter("duration", figures.duration)
register.filter("percent", figures.percent)


@register.simple_tag
def took(start: datetime | None, end: datetime | None) -> str:
    """The time between two moments; empty while one is missing."""
    return figures.duration((end - start).total_seconds()) if start and end else ""


@register.filter
def words(name: str) -> str:
    """`event_bus` as people write it: Event bus."""
    return name.replace("_", " ").capitalize()


@register.filter
def milliseconds(value: float | None) -> str:
    return figures.duration(value / 1000 if value is not None else None)


@register.filter
def measures(measured: dict[str, Any]) -> list[tuple[str, str]]:
    """Each figure of a check or test with its name, for people; its message is not a figure."""
    return [figures.measure(*each) for each in measured.items() if each[0] != "message"]
