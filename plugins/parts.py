"""What finds and loads plugins, as a part of the instance."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from core.health import parts
from core.health.own_parts import kinds
from core.health.own_parts.kinds import EverywherePart
from core.health.parts import Sight
from core.processes import queries as processes
from plugins import following
from plugins.catalogue import AUTO_LOAD


@parts.register(
    "plugin_manager",
    type="PluginManager",
    description="Finds plugins, and loads in every process those that are enabled.",
    dependencies=("database_adapter",),
)
class PluginManager(EverywherePart):
    """Restarted, it takes in new plugins and tries again those that failed."""

    alert = "health.plugins"
    component = "plugins"

    def look(self) -> Sight:
        return replace(kinds.seen(self.component), started_at=processes.instance_started_at())

    def configuration(self) -> dict[str, Any]:
        return {"auto_load": AUTO_LOAD.value}

    def restart_here(self) -> bool:
        following.reload()
        return True
