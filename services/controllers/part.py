"""Restarting a part of the instance itself."""

from __future__ import annotations

from core.health import parts
from services.controllers.base import RESTART, Acting, Controller, register


@register("part", title="Part of the instance", actions=(RESTART,))
class PartController(Controller):
    """Only the instance's own services have it."""

    repeatable = True

    def restart(self, acting: Acting) -> None:
        parts.registry.get(acting.name).restart(acting, since=acting.since)

    def is_renewed(self, acting: Acting) -> bool:
        return parts.registry.get(acting.name).is_renewed(acting.since)
