"""Verifying a key: without a query when this process has seen it lately."""

from __future__ import annotations

import hmac
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

from core import ids
from core.access import tokens, usage
from core.access.actor import Actor
from core.access.models import ApiKey
from core.access.recent import Recent
from core.access.tokens import Token
from core.api.address import parse
from core.api.scopes import unauthenticated

FRESH_SECONDS = 30.0
REFUSED_SECONDS = 5.0
REFUSED_SIZE = 1024

Network = IPv4Network | IPv6Network

_NO_DIGEST = bytes(32)
_COLUMNS = (
    "id", "name", "scopes", "networks", "expires_at", "revoked_at",
    "digest", "pepper", "previous_digest", "previous_pepper", "previous_until",
)  # fmt: skip
_NOBODY: dict[str, Any] = {
    **dict.fromkeys(_COLUMNS), "digest": _NO_DIGEST, "pepper": 0,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class VerifiedKey:
    """A key whose secret was right. `until` is in seconds of the epoch, None for ever."""

    id: str
    name: str
    scopes: frozenset[str]
    networks: tuple[Network, ...]
    until: float | None


_verified: Recent[VerifiedKey] = Recent(fresh_seconds=FRESH_SECONDS)
_refused: dict[bytes, tuple[float, str]] = {}  # by fingerprint: until when (monotonic), why
_refusing = threading.Lock()


def authenticate(text: str, *, address: str | None) -> Actor:
    """The holder of the key `text`; raises Unauthenticated, or Unavailable without a database."""
    fingerprint = sha256(text.encode()).digest()
    key = _verified.get(fingerprint, lambda: _look_up(fingerprint, text))
    if key.until is not None and key.until <= time.time():
        raise unauthenticated("This API key has expired.")
    if key.networks and not _is_within(address, key.networks):
        raise unauthenticated("This API key may not be used from this address.")
    usage.key_used(key.id, address)
    return Actor(kind="key", id=key.id, name=key.name, scopes=key.scopes, address=address)


def forget(key_id: str | None = None) -> None:
    """Verify the key (external id; None: every key) anew the next time it is used."""
    _verified.forget(lambda key: key_id is None or key.id == key_id)
    with _refusing:
        _refused.clear()


def _look_up(fingerprint: bytes, text: str) -> VerifiedKey:
    until, reason = _refused.get(fingerprint, (0.0, ""))
    if until > time.monotonic():
        raise unauthenticated(reason)
    token = tokens.parse(text)
    reason = "This API key is not valid."
    if token is not None:
        row = ApiKey.objects.filter(key_id=token.key_id).values(*_COLUMNS).first()
        matches, until_seconds = _compare(token, row or _NOBODY)
        if matches and row is not None and row["revoked_at"] is None:
            return _verified_key(row, until_seconds)
        if matches and row is not None:
            reason = "This API key was revoked."
    _refuse(fingerprint, reason)
    raise unauthenticated(reason)


def _refuse(fingerprint: bytes, reason: str) -> None:
    with _refusing:
        while len(_refused) >= REFUSED_SIZE:
            del _refused[next(iter(_refused))]
        _refused[fingerprint] = (time.monotonic() + REFUSED_SECONDS, reason)


def _compare(token: Token, row: Mapping[str, Any]) -> tuple[bool, float | None]:
    """Whether the secret is the row's, and until when; the same work whatever the row."""
    present = tokens.digest(token, row["pepper"])
    former = tokens.digest(token, row["previous_pepper"] or row["pepper"])
    is_present = hmac.compare_digest(present, bytes(row["digest"]))
    is_former = hmac.compare_digest(former, bytes(row["previous_digest"] or _NO_DIGEST))
    moments = [row["expires_at"]] if is_present else [row["expires_at"], row["previous_until"]]
    until = min((each.timestamp() for each in moments if each is not None), default=None)
    return is_present or is_former, until


def _verified_key(row: Mapping[str, Any], until: float | None) -> VerifiedKey:
    return VerifiedKey(
        id=ids.external("key", row["id"]),
        name=row["name"],
        scopes=frozenset(row["scopes"]),
        networks=tuple(_network(each) for each in row["networks"]),
        until=until,
    )


@lru_cache(maxsize=1024)
def _network(text: str) -> Network:
    return ip_network(text)


def _is_within(address: str | None, networks: tuple[Network, ...]) -> bool:
    parsed = parse(address or "")
    return parsed is not None and any(parsed in network for network in networks)
