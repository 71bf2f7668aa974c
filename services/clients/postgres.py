"""Connections to PostgreSQL servers that users of the API name."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import NamedTemporaryFile
from typing import Annotated, Any, Literal

import psycopg
import pydantic
from psycopg.rows import dict_row
from pydantic import Field, SecretStr

from core.database import BoundedConnection, statement_deadline
from core.outgoing import addresses
from core.outgoing.hosts import Host, Port
from services.clients.errors import NotReached
from services.clients.fields import NO_SECRET, Pem, Text

LEAST_CONNECT_SECONDS = 2  # libpq rounds up to it


class Server(pydantic.BaseModel):
    """A database of a PostgreSQL server, and as whom to look at it."""

    host: Host
    port: Port = 5432
    database: Text = "postgres"
    user: Annotated[
        Text,
        Field(min_length=1, description="A member of pg_monitor sees the most."),
    ]
    password: SecretStr = NO_SECRET
    sslmode: Annotated[
        Literal["disable", "prefer", "require", "verify-ca", "verify-full"],
        Field(
            description="As in libpq. verify-full without ca_certificate trusts public authorities."
        ),
    ] = "prefer"
    ca_certificate: Annotated[Pem, Field(description="The authority's certificate, as PEM.")] = ""

    @pydantic.model_validator(mode="after")
    def _can_verify(self) -> Server:
        if self.sslmode == "verify-ca" and not self.ca_certificate:
            raise ValueError("sslmode verify-ca needs the authority in ca_certificate")
        return self


@contextmanager
def reading(server: Server, *, deadline: float) -> Iterator[psycopg.Connection[dict[str, Any]]]:
    """A connection within one transaction that can only read, all of it bounded by `deadline`.

    Raises AddressRefused, NotReached, psycopg.Error.
    """
    try:
        found = addresses.resolve(server.host, server.port, deadline=deadline)
    except OSError as error:
        raise NotReached(f"{server.host} can't be reached: {error}.") from error
    with (
        statement_deadline(_remaining(deadline)),
        _connected(server, found, _remaining(deadline)) as connection,
    ):
        connection.read_only = True
        milliseconds = str(int(_remaining(deadline) * 1000) + 1)
        connection.execute("SELECT set_config('statement_timeout', %s, true)", [milliseconds])
        yield connection


def _connected(
    server: Server, found: list[str], seconds: float
) -> psycopg.Connection[dict[str, Any]]:
    with NamedTemporaryFile("w", suffix=".pem") as authority:
        authority.write(server.ca_certificate)
        authority.flush()
        is_public = server.sslmode == "verify-full" and not server.ca_certificate
        root = authority.name if server.ca_certificate else "system" if is_public else ""
        made: psycopg.Connection[Any] = BoundedConnection.connect(
            host=",".join([server.host] * len(found)),
            hostaddr=",".join(found),
            port=server.port,
            dbname=server.database,
            user=server.user,
            password=server.password.get_secret_value(),
            # What this process's own user has in its home is for other servers.
            passfile="/dev/null",
            sslmode=server.sslmode,
            sslrootcert=root,
            gssencmode="disable",
            application_name="nexus",
            connect_timeout=max(math.ceil(seconds / len(found)), LEAST_CONNECT_SECONDS),
            row_factory=dict_row,  # type: ignore[arg-type]
        )
        return made


def _remaining(deadline: float) -> float:
    return max(deadline - time.monotonic(), 0.001)
