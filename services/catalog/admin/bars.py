"""The last days of a service as bars, one a day: the worse a day was, the taller its bar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from core.ui.figures import NOTHING, duration
from services.registry.models import Health

STEP, WIDTH, HEIGHT = 4, 3, 20
HEIGHTS = {
    Health.UNHEALTHY: HEIGHT,
    Health.DEGRADED: 14,
    Health.HEALTHY: 9,
    Health.UNKNOWN: 2,
}
Day = Mapping[str, Any]


def row(days: Sequence[Day]) -> SafeString:
    """For a list: one path for all days that were alike, as a list has thousands of them."""
    paths = []
    for health, height in HEIGHTS.items():
        drawn = "".join(
            f"M{place * STEP} {HEIGHT - height}h{WIDTH}v{height}h-{WIDTH}z"
            for place, day in enumerate(days)
            if day["worst"] == health
        )
        if drawn:
            paths.append((health.value, drawn))
    return _svg(days, format_html_join("", '<path data-health="{}" d="{}"/>', paths))


def detailed(days: Sequence[Day]) -> SafeString:
    """For a page: each day says what it was."""
    bars = (
        (place * STEP, HEIGHT - height, WIDTH, height, day["worst"], told(day))
        for place, day in enumerate(days)
        for height in [HEIGHTS[Health(day["worst"])]]
    )
    rectangle = (
        '<rect x="{}" y="{}" width="{}" height="{}" data-health="{}"><title>{}</title></rect>'
    )
    return _svg(days, format_html_join("", rectangle, bars))


def told(day: Day) -> str:
    """A day in words."""
    if day["percent"] is None:
        return f"{day['date']}: nothing is known"
    down = f", down for {duration(day['down_seconds'])}" if day["down_seconds"] else ""
    return f"{day['date']}: {share(day['percent'])} up{down}"


def share(percent: float | None) -> str:
    """Never rounded up to 100 %: 99.996 % is not 100 %."""
    if percent is None:
        return NOTHING
    if percent == 100:
        return "100 %"
    return f"{min(percent, 99.99):.2f} %"


def _svg(days: Sequence[Day], inner: SafeString) -> SafeString:
    counted = {health: sum(day["worst"] == health for day in days) for health in HEIGHTS}
    words = ", ".join(f"{number} {health.value}" for health, number in counted.items() if number)
    return format_html(
        '<svg class="nx-bars" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img"'
        ' aria-label="The last {} days by their worst: {}">{}</svg>',
        len(days) * STEP, HEIGHT, len(days), words, inner,
    )  # fmt: skip
