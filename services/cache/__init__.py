"""Clearing the cache: at once while that is quick, as a task when it outlasts the wait."""
