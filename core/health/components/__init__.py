"""The components that core itself is made of, each with its checks."""

from core.health.components import cache, database, disk, event_bus, plugins

__all__ = ["cache", "database", "disk", "event_bus", "plugins"]
