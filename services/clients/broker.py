"""Message brokers of Celery applications, and asking their workers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from typing import Annotated, Any
from urllib.parse import unquote, urlsplit

import kombu
import pydantic
import redis
from amqp.exceptions import AMQPError, NotFound
from kombu.exceptions import ChannelError, OperationalError
from kombu.pidbox import Mailbox
from kombu.transport import redis as kombu_redis
from pydantic import AfterValidator, Field, SecretStr

from core.outgoing.hosts import normal_host
from services.clients import amqp, sockets, valkey
from services.clients.errors import NotAnswered
from services.clients.fields import Text, Tls

ENCRYPTED = ("rediss", "amqps")
PORTS = {"redis": 6379, "rediss": 6379, "amqp": 5672, "amqps": 5671}


class _Channel(kombu_redis.Channel):
    connection_class = connection_class_ssl = valkey.Connection


class _ValkeyTransport(kombu_redis.Transport):
    Channel = _Channel
    # Seconds that closing a connection may have to wait for; the stubs know whole ones only.
    brpop_timeout = 0.1  # type: ignore[assignment]


def _checked(url: SecretStr) -> SecretStr:
    parts = urlsplit(url.get_secret_value())
    try:
        port = parts.port
    except ValueError:  # which would tell a piece of a password that has a / in it
        raise ValueError("The port must be a number, and a / in a password %2F") from None
    if parts.scheme not in PORTS:
        raise ValueError(f"This must begin with one of {', '.join(f'{each}://' for each in PORTS)}")
    if parts.query or parts.fragment or ";" in parts.netloc:
        raise ValueError("This must be one plain URL, without ?, # and ;")
    normal_host(parts.hostname or "")
    if port == 0:
        raise ValueError("There is no port 0")
    if parts.scheme.startswith("redis") and not (parts.path.strip("/") or "0").isdecimal():
        raise ValueError("The path of a Valkey or Redis URL is the number of its database")
    return url


BrokerUrl = Annotated[SecretStr, Field(max_length=2000), AfterValidator(_checked)]


class Fleet(pydantic.BaseModel):
    """The workers of a Celery application, which must have its remote control enabled."""

    broker_url: Annotated[
        BrokerUrl, Field(description="redis, rediss, amqp or amqps://user:password@host:port/path")
    ]
    tls: Annotated[Tls, Field(description="Whom rediss and amqps trust.")] = Tls()
    control_exchange: Annotated[Text, Field(min_length=1, description="As in its settings.")] = (
        "celery"
    )
    key_prefix: Annotated[
        Text, Field(description="global_keyprefix of its broker_transport_options.")
    ] = ""
    workers: Annotated[
        Text,
        Field(
            min_length=1,
            description="Which workers, as a pattern: shop-*@*. Applications that"
            " share a broker share its control exchange too.",
        ),
    ] = "*"
    reply_wait: Annotated[
        float,
        Field(ge=0.1, le=30, description="Seconds of silence after which no worker answers more."),
    ] = 1.0


class Workers:
    """One conversation with the workers, in a block of `connected`."""

    def __init__(self, connection: kombu.Connection, fleet: Fleet) -> None:
        self._connection = connection
        # One for all: kombu stumbles over channels of Valkey that are closed while it still polls.
        self._channel: Any = connection.channel()
        self._wait = fleet.reply_wait
        self._pattern = fleet.workers
        exchange = fleet.control_exchange
        self._mailbox: Any = Mailbox(exchange, type="fanout", serializer="json", accept=["json"])

    def ask(self, command: str, *, of: list[str] | None = None, **arguments: Any) -> dict[str, Any]:
        """What each worker answers, by its name: of all of the fleet that do, or of these."""
        mailbox = self._mailbox(self._connection)
        bounds = {"timeout": min(self._wait, sockets.remaining()), "channel": self._channel}
        if of is None:
            answers = mailbox.multi_call(command, arguments, **bounds)
        else:
            answers = mailbox.call(of, command, arguments, **bounds)
        return {
            name: told
            for each in answers
            for name, told in each.items()
            if fnmatchcase(name, self._pattern)
        }

    def tell(self, command: str, *, to: list[str]) -> None:
        """A command that no worker answers."""
        self._mailbox(self._connection).cast(to, command)

    def length(self, queue: str) -> int | None:
        """How many messages wait in a queue; None when there is none."""
        try:
            return int(self._channel.queue_declare(queue, passive=True).message_count)
        except NotFound:  # for which the broker closes the channel
            self._channel = self._connection.channel()
            return None
        except ChannelError:  # Valkey keeps no empty lists
            return 0


@contextmanager
def connected(fleet: Fleet, *, deadline: float) -> Iterator[Workers]:
    """Raises AddressRefused, NotReached, NotAnswered."""
    try:
        with sockets.bounded(deadline):
            connection = _connection(fleet)
            try:
                connection.ensure_connection(max_retries=1, interval_start=0)
                yield Workers(connection, fleet)
            finally:
                connection.release()
    except (OperationalError, AMQPError, redis.RedisError, OSError) as error:
        raise NotAnswered(f"The broker does not answer: {error}") from error


def _connection(fleet: Fleet) -> kombu.Connection:
    parts = urlsplit(fleet.broker_url.get_secret_value())
    is_amqp = parts.scheme.startswith("amqp")
    tls = {"tls": fleet.tls.context()} if parts.scheme in ENCRYPTED else False
    path = unquote(parts.path.removeprefix("/"))
    return kombu.Connection(
        hostname=parts.hostname or "",
        port=parts.port or PORTS[parts.scheme],
        userid=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        virtual_host=path or ("/" if is_amqp else "0"),
        transport=amqp.Transport if is_amqp else _ValkeyTransport,
        ssl=tls,
        connect_timeout=sockets.remaining(),
        transport_options=_options(fleet, is_amqp),
    )


def _options(fleet: Fleet, is_amqp: bool) -> dict[str, Any]:
    seconds = sockets.remaining()
    if is_amqp:
        return {"read_timeout": seconds, "write_timeout": seconds}
    return {"global_keyprefix": fleet.key_prefix, "socket_timeout": seconds}
