"""Figures as people read them: durations, ages, shares."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

NOTHING = "\N{EN DASH}"
STEPS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def duration(seconds: float | None) -> str:
    """`seconds` in its two largest units: 340 ms, 4.2 s, 3 min 20 s, 2 d 4 h."""
    if seconds is None:
        return NOTHING
    if seconds < 1:
        return f"{max(seconds, 0) * 1000:.0f} ms"
    if seconds < 10:
        return f"{seconds:.1f} s"
    left = round(seconds)
    parts = []
    for size, unit in STEPS:
        if left >= size:
            parts.append(f"{left // size} {unit}")
            left %= size
        elif parts:
            break
    return " ".join(parts[:2])


def ago(moment: datetime | None, *, missing: str = NOTHING) -> SafeString:
    """How long ago or until `moment`, with the exact time as its title; kept fresh by admin.js."""
    if moment is None:
        return format_html('<span class="nx-quiet">{}</span>', missing)
    seconds = (timezone.now() - moment).total_seconds()
    near = "just now" if abs(seconds) < 1 else _distance(seconds)
    exact = moment.astimezone(UTC)
    return format_html(
        '<time datetime="{}" title="{}" data-ago>{}</time>',
        exact.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        exact.strftime("%Y-%m-%d %H:%M:%S UTC"),
        near,
    )


def _distance(seconds: float) -> str:
    size, unit = next((each for each in STEPS if abs(seconds) >= each[0]), STEPS[-1])
    number = int(abs(seconds) // size)
    return f"{number} {unit} ago" if seconds > 0 else f"in {number} {unit}"


UNITS = {"ms": "ms", "seconds": "s", "mb": "MB", "bytes": "B", "percent": "%"}


def measure(name: str, value: Any) -> tuple[str, str]:
    """A measured figure and its name as people read them: `response_time_ms` 1.234 is
    ("Response time", "1.2 ms")."""
    *words, last = name.split("_")
    unit = UNITS.get(last) if words else None
    label = " ".join(words if unit else [*words, last]).capitalize()
    if isinstance(value, bool) or not isinstance(value, int | float):
        return label, str(value)
    if last == "rate":
        return label, percent(value)
    text = f"{value:,.0f}" if isinstance(value, int) or abs(value) >= 10 else f"{value:.2g}"
    return label, f"{text} {unit}" if unit else text


def percent(share: float | None) -> str:
    """`share` is between 0 and 1."""
    return NOTHING if share is None else f"{share * 100:.0f} %"


def code(text: str | None) -> SafeString:
    """An id or another machine's word."""
    return format_html('<code class="nx-id">{}</code>', text or NOTHING)


def link(address: str, text: str) -> SafeString:
    return format_html('<a class="nx-link" href="{}">{}</a>', address, text)
