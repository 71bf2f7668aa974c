"""Waiting for PostgreSQL and Valkey, whoever runs them."""

from __future__ import annotations

import threading
import time

import psycopg
import redis
from psycopg import conninfo

from nexus.stack.errors import StackError

OLDEST_POSTGRES = 140_000
WAIT_SECONDS = 15.0
RECOVERY_SECONDS = 600.0
POLL_SECONDS = 0.05


def wait_for_postgres(url: str, *, make_database: bool = False) -> None:
    """Return when PostgreSQL accepts connections; `make_database` adds the one the URL names.

    Raises StackError after WAIT_SECONDS, or RECOVERY_SECONDS while it says that it recovers.
    """
    begun = time.monotonic()
    maintenance = conninfo.make_conninfo(url, dbname="postgres") if make_database else url
    while True:
        try:
            with psycopg.connect(maintenance, connect_timeout=3, autocommit=True) as connection:
                _check(connection, conninfo.conninfo_to_dict(url)["dbname"], make_database)
            return
        except psycopg.OperationalError as error:
            recovering = "starting up" in str(error) or "recovery" in str(error)
            if time.monotonic() - begun > (RECOVERY_SECONDS if recovering else WAIT_SECONDS):
                raise StackError(f"PostgreSQL does not let us in: {error}") from error
        threading.Event().wait(POLL_SECONDS)


def _check(connection: psycopg.Connection, database: object, make_database: bool) -> None:
    if connection.info.server_version < OLDEST_POSTGRES:
        raise StackError("DATABASE_URL names a PostgreSQL older than 14, the oldest that works.")
    if (
        make_database
        and not connection.execute(
            "SELECT 1 FROM pg_database WHERE datname = %s", [database]
        ).fetchone()
    ):
        name = psycopg.sql.Identifier(str(database))
        connection.execute(psycopg.sql.SQL("CREATE DATABASE {}").format(name))


def wait_for_redis(variable: str, url: str) -> None:
    """Return when the server answers a PING. Raises StackError after WAIT_SECONDS."""
    if not url.startswith(("redis", "unix")):
        return
    begun = time.monotonic()
    while True:
        try:
            with redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2) as client:
                client.ping()
            return
        except redis.RedisError as error:
            refused = isinstance(error, redis.AuthenticationError)
            if refused or time.monotonic() - begun > WAIT_SECONDS:
                raise StackError(f"The server of {variable} does not let us in: {error}") from error
        threading.Event().wait(POLL_SECONDS)
