"""PostgreSQL's NOTIFY wakes the loops: one connection for all the loops of a process."""

from __future__ import annotations

import logging
import threading
import time

import psycopg
from django.db import connection
from psycopg import sql

from core.database import BoundedConnection, statement_deadline
from core.processes import loops

logger = logging.getLogger(__name__)

LISTEN_SECONDS = 0.5  # how soon it notices that it has to stop
PROOF_SECONDS = 10.0  # how soon it notices that the server is frozen
ANSWER_SECONDS = 2.0
PAUSE_SECONDS = 2.0

_renewal_asked = threading.Event()


def renew() -> None:
    """Have this process listen on a new connection within moments."""
    _renewal_asked.set()


def listen(stop: threading.Event) -> None:
    """Wake loops until `stop` is set. While there is no connection they go by their interval."""
    failed = False
    while not stop.is_set():
        try:
            with _connect() as listener:
                if failed:
                    logger.info("hears NOTIFY again")
                failed = False
                _renewal_asked.clear()
                loops.wake_all()  # for what was said while nobody listened
                _relay(listener, stop)
        except (psycopg.Error, OSError) as error:
            if not failed:
                logger.info("can't hear NOTIFY, polling instead: %s", error)
            failed = True
            stop.wait(PAUSE_SECONDS)


def _connect() -> BoundedConnection:
    parameters = {**connection.get_connection_params(), "autocommit": True}
    with statement_deadline(ANSWER_SECONDS):
        listener = BoundedConnection.connect(**parameters)
        try:
            for name in loops.names():
                listener.execute(sql.SQL("LISTEN {}").format(sql.Identifier(name)))
        except psycopg.Error:
            listener.close()
            raise
        return listener


def _relay(listener: BoundedConnection, stop: threading.Event) -> None:
    proven = time.monotonic()
    while not (stop.is_set() or _renewal_asked.is_set()):
        for notification in listener.notifies(timeout=LISTEN_SECONDS):
            loops.wake(notification.channel)
        if time.monotonic() - proven > PROOF_SECONDS:
            with statement_deadline(ANSWER_SECONDS):
                listener.execute("SELECT 1")
            proven = time.monotonic()
