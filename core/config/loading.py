"""Bringing the overrides in the database into use, in every process of the instance.

A process loads them when it starts (`begin`, `attempt`), again once it hears the control
channel, and after each change (`LOAD`); a slow poll finds what none of these has.
"""

from __future__ import annotations

import logging
import os
import threading
from typing import Any

from django.db import DatabaseError, InterfaceError, connection

from core import options
from core.config.overrides import newest
from core.database import statement_deadline
from core.processes import catching_up, control, figures, loops

logger = logging.getLogger(__name__)

LOAD = "config.load"
ATTEMPT_SECONDS = 2.0
POLL_SECONDS = 10.0

_lock = threading.Lock()
_started = 0


def _after_fork() -> None:
    global _lock
    _lock = threading.Lock()


os.register_at_fork(after_in_child=_after_fork)


@catching_up.register(LOAD)
def load() -> int:
    """Use what the database has now; returns its revision. Raises database errors."""
    with _lock:  # who reads later also applies later
        snapshot = newest().snapshot()
        before = options.current().revision
        if snapshot.revision < before:
            logger.warning(
                "the configuration is of revision %d now, after %d: an older state was restored",
                snapshot.revision, before,
            )  # fmt: skip
        options.apply(snapshot, is_newest=True)
        return snapshot.revision


def attempt() -> bool:
    """Load once, within a few seconds whatever the database does; False: the values stay."""
    try:
        with statement_deadline(ATTEMPT_SECONDS):
            load()
    except (DatabaseError, InterfaceError) as error:
        logger.info("the configuration can't be read yet: %s", error)
        return False
    finally:
        connection.close()
    return True


def begin() -> None:
    """The attempt with which a process starts: what needs a restart is as it finds it here.

    Those that it forks later have started with it, too.
    """
    global _started
    attempt()
    _started = options.current().revision


@control.handler(LOAD)
def obey(payload: dict[str, Any]) -> dict[str, Any]:
    """Load now, or else as soon as the database answers."""
    try:
        with statement_deadline(ATTEMPT_SECONDS):
            return {"revision": load()}
    except Exception:
        catching_up.fall_behind(LOAD)
        raise


@loops.register("config.poll", roles={"web", "worker", "beat"}, interval=POLL_SECONDS)
def poll() -> None:
    """For a process that missed a change, or whose database is another one now."""
    with statement_deadline(ATTEMPT_SECONDS):  # others wait for their turn to load meanwhile
        load()


@figures.register("config")
def revisions() -> dict[str, Any]:
    """The revision that this process uses, and the one it was started with."""
    return {"revision": options.current().revision, "started": _started}
