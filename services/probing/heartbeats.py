"""What services say of themselves. Heartbeats are many and are news only when health changes,
so they stand in no audit log: the service's history is made of the looks that follow."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from core.access.actor import Actor
from core.access.scopes import ADMIN_SERVICES
from core.access.throttling import count_refusal
from core.api.scopes import unauthenticated
from core.config.secrets import Unreadable
from core.errors import Conflict
from services.probes.base import Status
from services.probes.heartbeat import HeartbeatProbe
from services.registry import queries, secret_fields
from services.registry.waking import due_now

HEADER = "X-Heartbeat-Token"
PATH = "probe.token"  # of the token among a service's secrets
MOST_TOKENS = 10_000  # remembered by a process
WRITE = """
    UPDATE services_state SET heartbeat_at = statement_timestamp(), heartbeat = %s::jsonb
    WHERE service_id = %s RETURNING heartbeat_at
"""
COLUMNS = ("id", "version", "probe", "secrets", "state__health", "state__status")
NOBODY = bytes(32)  # the digest of no token


class NotByHeartbeat(Conflict):
    code = "not_by_heartbeat"


@dataclass(frozen=True, slots=True)
class Sender:
    """A service that may send heartbeats, as it stood before this one; the next is overdue
    after `patience`."""

    service_id: UUID
    name: str
    health: str
    status: str
    patience: timedelta


def identify(*, name: str, token: str | None, actor: Actor) -> Sender:
    """Who sends a heartbeat. `token` is proof enough when it is the service's; without one the
    actor needs the scope admin:services.

    Raises Unauthenticated for a wrong token, with the same words whether there is such a
    service or not, TooManyRequests after many; PermissionDenied, NotFound, NotByHeartbeat.
    """
    if token is None:
        actor.require(ADMIN_SERVICES)
    row = queries.named(name).values(*COLUMNS).first()
    if token is not None:
        _check(token, row, actor)
    if row is None:
        raise queries.unknown(name)
    if not _is_by_heartbeat(row):
        raise NotByHeartbeat(
            f"{name} is looked at by a probe of type {row['probe']['type']}, which takes no"
            f" heartbeats: give it one of type {HeartbeatProbe.type}."
        )
    return Sender(
        row["id"], name, row["state__health"], row["state__status"], _patience(row["probe"])
    )


def receive(sender: Sender, heartbeat: Mapping[str, Any]) -> dict[str, Any]:
    """Note that the service lives, and what it says: health, message, version, metrics.

    It is looked at at once when that is news. Returns when the heartbeat was received and until
    when the next one has to be. Raises NotFound.
    """
    said = (heartbeat["health"], Status.RUNNING)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(WRITE, [json.dumps(heartbeat), sender.service_id])
        written = cursor.fetchone()
        if written is None:  # it was deleted meanwhile
            raise queries.unknown(sender.name)
        if said != (sender.health, sender.status):
            due_now(sender.name)
    [received_at] = written
    return {
        "service": sender.name,
        "received_at": received_at,
        "overdue_at": received_at + sender.patience,
    }


def _patience(probe: Mapping[str, Any]) -> timedelta:
    fields = HeartbeatProbe.Configuration.model_fields
    return timedelta(
        seconds=sum(probe.get(each, fields[each].default) for each in ("every", "grace"))
    )


def _check(token: str, row: Mapping[str, Any] | None, actor: Actor) -> None:
    """Raises Unauthenticated, TooManyRequests after many wrong ones. Comparing takes the same
    time whatever there is to compare with."""
    expected = NOBODY
    if row is not None and _is_by_heartbeat(row):
        expected = _digest_of(row["id"], row["version"], row["secrets"])
    given = sha256(token.encode(errors="surrogatepass")).digest()
    if not hmac.compare_digest(given, expected):
        count_refusal(actor.address, "This heartbeat token is not valid.")
        raise unauthenticated(
            f"The {HEADER} is not the token of a service with this name that sends heartbeats."
        )


def _is_by_heartbeat(row: Mapping[str, Any]) -> bool:
    return row["probe"]["type"] == HeartbeatProbe.type


@lru_cache(maxsize=MOST_TOKENS)
def _digest_of(service_id: UUID, version: int, secrets: str) -> bytes:
    """Of the token that the service must send; nothing has the digest NOBODY."""
    try:
        token = secret_fields.decrypted(secrets).get(PATH)
    except Unreadable:
        return NOBODY
    return sha256(token.encode()).digest() if token else NOBODY
