"""Plugins: how many are loaded, and whether each works."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from core.health import checks
from core.health.checks import Figures, Warn
from core.registry import Registry

State = Literal["active", "inactive", "failed"]

# Each loaded plugin by name, with a function that says how it is.
loaded: Registry[Callable[[], State]] = Registry("plugin")


@checks.component("plugins")
def summary(figures: Mapping[str, Figures]) -> dict[str, Any]:
    return {key: figures["states"][key] for key in ("loaded", "active", "failed")}


@checks.register(
    component="plugins",
    name="states",
    cadence=5.0,
    deadline=1.0,
    critical=False,
    unmeasured={"loaded": 0, "active": 0, "failed": 0},
)
def states() -> Figures:
    """Counts of the plugins loaded in this process."""
    found = {name: state() for name, state in loaded.items()}
    failed = sorted(name for name, state in found.items() if state == "failed")
    figures = {
        "loaded": len(found),
        "active": sum(state == "active" for state in found.values()),
        "failed": len(failed),
    }
    if failed:
        raise Warn(f"failed: {', '.join(failed)}", **figures)
    return figures
