"""A unit of systemd."""

from __future__ import annotations

from typing import Any

from services.clients.systemd import Standing, Systemd, Unit
from services.probes.base import Observation, Outcome, Probe, Status, Target, register

STATUSES = {
    "active": (Outcome.PASS, Status.RUNNING),
    "reloading": (Outcome.PASS, Status.RUNNING),
    "refreshing": (Outcome.PASS, Status.RUNNING),
    "activating": (Outcome.WARNING, Status.STARTING),
    "deactivating": (Outcome.WARNING, Status.RUNNING),
    "maintenance": (Outcome.WARNING, Status.STOPPED),
    "inactive": (Outcome.FAIL, Status.STOPPED),
    "failed": (Outcome.FAIL, Status.FAILED),
}
UP = frozenset({"active", "reloading", "refreshing"})
# Figures by the property that systemd counts, with what one of its units is divided by.
FIGURES = {
    "MainPID": ("pid", 1),
    "NRestarts": ("restarts", 1),
    "TasksCurrent": ("tasks", 1),
    "MemoryCurrent": ("memory_mb", 2**20),
    "CPUUsageNSec": ("cpu_seconds", 1e9),
}


@register("systemd", title="systemd unit")
class SystemdProbe(Probe):
    """Looks over the system bus of the machine that looks."""

    class Configuration(Probe.Configuration):
        unit: Unit

    def look(self, target: Target) -> Observation:
        with Systemd(deadline=target.deadline) as systemd:
            standing = systemd.standing(self.configuration.unit)
        if standing.loaded != "loaded":
            return Observation(Outcome.FAIL, _unloaded(standing), Status.FAILED)
        outcome, status = _judged(standing)
        return Observation(
            outcome=outcome,
            reason=_reason(standing),
            status=status,
            started_at=standing.active_since if standing.active in UP else None,
            figures=_figures(standing),
        )


def _unloaded(standing: Standing) -> str:
    return f"The unit is {standing.loaded}: {standing.load_trouble or 'systemd says no more'}"


def _judged(standing: Standing) -> tuple[Outcome, Status]:
    if standing.sub == "auto-restart":  # it failed, and systemd waits before it tries once more
        return Outcome.FAIL, Status.RESTARTING
    return STATUSES.get(standing.active, (Outcome.FAIL, Status.UNKNOWN))


def _reason(standing: Standing) -> str:
    if standing.active in UP:
        return ""
    state = f"systemd says {standing.active} ({standing.sub})"
    has_failed = standing.active == "failed" or standing.sub == "auto-restart"
    return f"{state}: {standing.trouble}" if has_failed else state


def _figures(standing: Standing) -> dict[str, Any]:
    figures: dict[str, Any] = {"active_state": standing.active, "sub_state": standing.sub}
    for property_, (name, divisor) in FIGURES.items():
        value = standing.count(property_)
        if value or (value == 0 and name != "pid"):
            figures[name] = value if divisor == 1 else round(value / divisor, 1)
    return figures
