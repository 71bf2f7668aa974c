"""Figures with their units, as people read them."""

from __future__ import annotations

from core.ui.figures import NOTHING

SIGNS = {"percent": "%"}


def number(value: float | None) -> str:
    """With as many decimals as say something."""
    if value is None:
        return NOTHING
    size = abs(value)
    decimals = 0 if size >= 100 else 1 if size >= 10 else 2 if size >= 1 or not size else 4
    return f"{value:,.{decimals}f}"


def plain(value: float) -> str:
    """A number that somebody has set: without zeros that say nothing."""
    text = f"{value:,.10g}" if abs(value) < 1e6 else f"{value:,.0f}"
    return text if abs(value) < 1e15 else f"{value:g}"


def with_unit(text: str, unit: str) -> str:
    """`12 ms`, `4 %`, `3/s`."""
    if text == NOTHING or not unit:
        return text
    return f"{text}{unit}" if unit.startswith("/") else f"{text} {SIGNS.get(unit, unit)}"


def shown(value: float | None, unit: str) -> str:
    """What was measured: 2,340 ms, 4.20 %, or a dash."""
    return with_unit(number(value), unit)


def limit(value: float, unit: str) -> str:
    """What somebody has set: 2,000 ms, 5 %."""
    return with_unit(plain(value), unit)
