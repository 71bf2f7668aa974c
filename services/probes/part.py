"""Looking at a part of the instance itself."""

from __future__ import annotations

from django.conf import settings

from core.health import parts
from services.probes.base import OUTCOMES, Observation, Probe, Status, Target, register


@register("part", title="Part of the instance")
class PartProbe(Probe):
    """Only the instance's own services have it."""

    def look(self, target: Target) -> Observation:
        sight = parts.registry.get(target.name).look()
        return Observation(
            outcome=OUTCOMES[sight.health],
            reason=sight.reason,
            status=Status.FAILED if sight.health == "unhealthy" else Status.RUNNING,
            version=settings.VERSION,
            started_at=sight.started_at,
            requests_handled=sight.requests_handled,
            latency_ms=sight.mean_ms,
            figures=sight.figures,
        )
