"""The diagnostics of the components that Nexus itself is made of, a module for each."""

from services.diagnostics.suites import cache, database, disk, event_bus, task_queue

__all__ = ["cache", "database", "disk", "event_bus", "task_queue"]
