"""Clearing the cache within a time, and what becomes of it when that is over."""

from __future__ import annotations

from typing import Any

from core.access.actor import Actor
from core.access.scopes import WRITE_CACHE
from core.cache import operations as caching
from core.cache.operations import Clearing
from services.cache.jobs import JOB
from tasks import operations as tasks
from tasks.models import Task


def clear(
    *, pattern: str | None, level: str, dry_run: bool, seconds: float, actor: Actor
) -> Clearing | Task:
    """What was cleared, or the task that goes on with it after `seconds`.

    It begins here and not in a worker: most clears take milliseconds, and they have to work
    while no worker does. Raises what `core.cache.operations.clear` raises.
    """
    actor.require(WRITE_CACHE)
    begun = caching.checked(pattern=pattern, level=level, dry_run=dry_run)
    if seconds > 0:
        begun = caching.clear(
            pattern=pattern, level=level, dry_run=dry_run, actor=actor, seconds=seconds
        )
        if begun.finished:
            return begun
    parameters = {
        "pattern": pattern,
        "level": level,
        "dry_run": dry_run,
        "cursor": str(begun.cursor),
        "cleared": begun.cleared,
    }
    return tasks.start(JOB, parameters=parameters, actor=actor)


def document(task: Task) -> dict[str, Any]:
    """A task in the form of a clear: its result, or how far it was when the task began."""
    given = task.parameters
    begun = caching.checked(
        pattern=given["pattern"], level=given["level"], dry_run=given["dry_run"]
    )
    begun.cleared = given["cleared"]
    return {**begun.document(), **(task.result or {}), "status": task.shown_status}
