"""The plugins of this process, for the component of that name."""

from __future__ import annotations

from collections.abc import Mapping

from core.health.components import plugins as component
from plugins.catalogue import catalogue


@component.sources.register("plugins")
def states() -> Mapping[str, str]:
    return {each.id: each.state.value for each in catalogue.all()}
