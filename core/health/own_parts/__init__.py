"""The parts of the instance that core itself is made of, a module for each."""

from core.health.own_parts import cache, connection_pool, database, event_bus

__all__ = ["cache", "connection_pool", "database", "event_bus"]
