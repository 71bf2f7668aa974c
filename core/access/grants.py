"""What a key allows, and that it never allows more than whoever makes it may do."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network, ip_network

from core import ids
from core.access.actor import Actor
from core.access.models import ApiKey
from core.access.scopes import ALL_SCOPES, expand
from core.errors import Conflict, Detail, InvalidInput, PermissionDenied

MAX_NETWORKS = 32
MAX_NAME = 100
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")

Network = IPv4Network | IPv6Network


class WouldWiden(Conflict):
    code = "would_widen"


@dataclass(frozen=True, slots=True)
class Grant:
    """Scopes, the networks a key may be used from (empty: all) and its end (None: never)."""

    scopes: list[str]
    networks: list[str]
    expires_at: datetime | None

    @classmethod
    def of(cls, key: ApiKey) -> Grant:
        return cls(list(key.scopes), list(key.networks), key.expires_at)

    def within(self, actor: Actor) -> Grant:
        """This grant, cut to the end and networks of the key that `actor` is, if it is one.

        Raises PermissionDenied for a scope or a network that `actor` doesn't have.
        """
        for scope in self.scopes:
            actor.require(scope)
        own = _grant_of(actor)
        if own is None:
            return self
        ends = [each for each in (self.expires_at, own.expires_at) if each is not None]
        cut = replace(
            self, networks=self.networks or own.networks, expires_at=min(ends, default=None)
        )
        _check_networks(cut, own)
        return cut

    def check_within(self, actor: Actor) -> None:
        """Raises PermissionDenied when this allows more than `actor` has."""
        if self.within(actor) != self:
            raise PermissionDenied("This key may do more than the key that asks for its secret.")

    def narrowed(
        self,
        *,
        scopes: Collection[str] | None,
        networks: Sequence[str] | None,
        expires_at: datetime | None,
    ) -> Grant:
        """This grant with less in it; None leaves a part as it is. Raises WouldWiden."""
        result = self
        if scopes is not None:
            wanted = known_scopes(scopes)
            if not set(wanted) <= expand(frozenset(self.scopes)):
                raise _wider("scopes", "Scopes can only be taken away from a key.")
            result = replace(result, scopes=wanted)
        if networks is not None:
            inner = normal_networks(networks)
            if not _are_within(inner, self.networks):
                raise _wider("networks", "A key's networks can only be made smaller.")
            result = replace(result, networks=inner)
        if expires_at is not None:
            if self.expires_at is not None and expires_at > self.expires_at:
                raise _wider("expires_at", "A key can only be made to expire sooner.")
            result = replace(result, expires_at=expires_at)
        return result


def known_scopes(scopes: Collection[str]) -> list[str]:
    """The scopes, sorted; raises InvalidInput for none at all or one that doesn't exist."""
    known = ", ".join(sorted(ALL_SCOPES))
    if not scopes:
        raise InvalidInput.field("scopes", "empty", f"Name at least one scope: {known}.")
    if unknown := sorted(set(scopes) - ALL_SCOPES):
        raise InvalidInput.field(
            "scopes", "unknown_scope", f"There is no scope {unknown[0]!r}; known: {known}."
        )
    return sorted(set(scopes))


def normal_networks(networks: Sequence[str]) -> list[str]:
    """The networks as CIDR, sorted; an address alone is a network of one. Raises InvalidInput."""
    if len(networks) > MAX_NETWORKS:
        raise InvalidInput.field("networks", "too_many", f"At most {MAX_NETWORKS} networks.")
    return sorted({str(_network(each)) for each in networks})


def fitting_name(name: str) -> str:
    stripped = name.strip()
    if not 1 <= len(stripped) <= MAX_NAME or _CONTROL.search(stripped):
        raise InvalidInput.field("name", "invalid", f"A name has 1 to {MAX_NAME} characters.")
    return stripped


def _grant_of(actor: Actor) -> Grant | None:
    if actor.kind != "key":
        return None
    key = ApiKey.objects.filter(pk=ids.internal("key", actor.id)).first()
    if key is None:
        raise PermissionDenied("The key that asks is gone.")
    return Grant.of(key)


def _check_networks(grant: Grant, own: Grant) -> None:
    if not _are_within(grant.networks, own.networks):
        raise PermissionDenied(
            f"The key that asks may be used from {', '.join(own.networks)} only."
        )


def _are_within(inner: Sequence[str], outer: Sequence[str]) -> bool:
    if not outer:
        return True
    around = [ip_network(each) for each in outer]
    return bool(inner) and all(_is_within(ip_network(each), around) for each in inner)


def _is_within(network: Network, around: Sequence[Network]) -> bool:
    return any(
        network.version == each.version and network.subnet_of(each)  # type: ignore[arg-type]
        for each in around
    )


def _network(text: str) -> Network:
    try:
        return ip_network(text.strip(), strict=False)
    except ValueError as error:
        raise InvalidInput.field("networks", "not_a_network", f"{error}.") from None


def _wider(field: str, message: str) -> WouldWiden:
    return WouldWiden(message, details=[Detail(field, "wider", message)])
