"""Where a request came from, as far as that can be believed."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address

from django.conf import settings
from django.http import HttpRequest

Address = IPv4Address | IPv6Address


def client_address(request: HttpRequest) -> str | None:
    """The address of the client, or None where there is none (a unix socket).

    X-Forwarded-For counts only when the peer is one of NEXUS_TRUSTED_PROXIES: read from the
    right, the first address that is not a trusted proxy is the client's.
    """
    meta = request.META
    return _client(meta.get("REMOTE_ADDR", ""), meta.get("HTTP_X_FORWARDED_FOR", ""))


@lru_cache(maxsize=4096)
def _client(peer: str, forwarded: str) -> str | None:
    nearest = parse(peer)
    if nearest is None:
        return None
    for text in reversed(forwarded.split(",")):
        if not is_trusted(nearest):
            break
        further = parse(text.strip())
        if further is None:
            break
        nearest = further
    return str(nearest)


def parse(text: str) -> Address | None:
    """An IPv4 address that came in IPv6 clothes is an IPv4 address; None for anything else."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def is_trusted(address: Address) -> bool:
    return any(address in network for network in settings.TRUSTED_PROXIES)
