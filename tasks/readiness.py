"""Waiting until there is a database with every migration applied, so that the order in which
the parts of an instance start does not matter."""

from __future__ import annotations

import logging
import threading

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.5


def database_is_ready() -> bool:
    """Whether the database answers and has no migration left to apply."""
    try:
        executor = MigrationExecutor(connection)
        return not executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError:
        return False
    finally:
        connection.close()


def wait_for_database() -> None:
    """Return once the database is ready; says once what it waits for."""
    pause = threading.Event()
    waiting = False
    while not database_is_ready():
        if not waiting:
            logger.info("waiting for the database and its migrations")
            waiting = True
        pause.wait(LOOK_SECONDS)
