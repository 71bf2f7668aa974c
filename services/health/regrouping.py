"""Grouping what a process that was killed at the wrong moment has left ungrouped."""

from __future__ import annotations

from core.processes import loops
from services.health import causes
from services.registry.models import Health, State

SECONDS = 60.0


@loops.register("services.causes", roles={"worker"}, interval=SECONDS)
def regroup_all() -> None:
    """The causes of all that is not well; what is grouped right stays as it is."""
    ill = State.objects.filter(health__in=(Health.UNHEALTHY, Health.DEGRADED))
    if names := list(ill.values_list("service__name", flat=True)):
        causes.regroup(names)
