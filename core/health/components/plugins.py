"""Plugins: how many are loaded, and whether each works."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from core.health import checks
from core.health.checks import Figures, Warn
from core.registry import Registry

COUNTS = ("loaded", "active", "failed")

# Each tells the plugins it knows with their states: loaded, active, failed or disabled.
sources: Registry[Callable[[], Mapping[str, str]]] = Registry("source of plugins")


@checks.component("plugins", optional=True)  # a plugin that fails costs the instance nothing
def summary(figures: Mapping[str, Figures]) -> dict[str, Any]:
    return {key: figures["states"][key] for key in (*COUNTS, "disabled")}


@checks.register(
    component="plugins",
    name="states",
    cadence=5.0,
    deadline=1.0,
    critical=False,
    unmeasured=dict.fromkeys((*COUNTS, "disabled"), 0),
)
def states() -> Figures:
    """Counts of the plugins of this process; all that aren't disabled count as loaded."""
    found = {name: state for source in sources for name, state in source().items()}
    failed = sorted(name for name, state in found.items() if state == "failed")
    figures = {
        "loaded": sum(state != "disabled" for state in found.values()),
        "active": sum(state == "active" for state in found.values()),
        "failed": len(failed),
        "disabled": sum(state == "disabled" for state in found.values()),
    }
    if failed:
        raise Warn(f"failed: {', '.join(failed)}", **figures)
    return figures
