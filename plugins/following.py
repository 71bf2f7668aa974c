"""Keeping this process true to what operators decided: asked at its start, heard on command.

The rows are the truth. The control channel brings a change within milliseconds; a look from
time to time finds what a process missed that started without a database.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from typing import Any

from django.db import DatabaseError, InterfaceError, connection

from core.database import statement_deadline
from core.errors import NotFound
from core.processes import catching_up, control, loops
from plugins import discovery, queries
from plugins.catalogue import catalogue
from plugins.plugin import State

logger = logging.getLogger(__name__)

ENABLE, DISABLE, STATES = "plugins.enable", "plugins.disable", "plugins.states"
SECONDS = 2.0
LOOK_SECONDS = 15.0
ROLES = {"web", "worker", "beat"}


def load() -> None:
    """Find and load the plugins, once per process. Without an answer of the database within
    seconds all of them are taken to be enabled."""
    found = discovery.found()
    catalogue.load(found, disabled=_ask() if found else ())


def reload() -> None:
    """Look again for what is there, in this process. Raises database errors."""
    with statement_deadline(SECONDS):
        catalogue.reload(discovery.found(), queries.disabled)


@catching_up.register(STATES)
@loops.register(STATES, roles=ROLES, interval=LOOK_SECONDS)
def look() -> None:
    """Find what this process has missed. Raises database errors."""
    if catalogue.all():
        with statement_deadline(SECONDS):
            catalogue.follow(queries.disabled)


@control.handler(ENABLE)
def enable(payload: dict[str, Any]) -> dict[str, Any]:
    return _obey(payload["id"], retry={payload["id"]})


@control.handler(DISABLE)
def disable(payload: dict[str, Any]) -> dict[str, Any]:
    return _obey(payload["id"])


def _obey(plugin_id: str, *, retry: Collection[str] = ()) -> dict[str, Any]:
    """The rows say what is to be done, for commands may cross; now, or as soon as they answer."""
    try:
        with statement_deadline(SECONDS):
            catalogue.follow(queries.disabled, retry=retry)
    except (DatabaseError, InterfaceError):
        catching_up.fall_behind(STATES)
        raise
    return _answer(plugin_id)


def _answer(plugin_id: str) -> dict[str, Any]:
    try:
        plugin = catalogue.get(plugin_id)
    except NotFound:
        reason = "it was added after this process started"
        return {"state": State.DISABLED, "reason": reason, "restart_required": True}
    return {
        "state": plugin.state,
        "reason": plugin.reason,
        "restart_required": plugin.awaits_restart,
    }


def _ask() -> frozenset[str]:
    """The disabled plugins; none when the database does not say."""
    try:
        with statement_deadline(SECONDS):
            return queries.disabled()
    except (DatabaseError, InterfaceError) as error:
        logger.info("which plugins are disabled is not known yet: %s", error)
        return frozenset()
    finally:
        connection.close()
