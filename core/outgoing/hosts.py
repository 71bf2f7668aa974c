"""Names of hosts and URLs as people give them, and types for fields that hold them."""

from __future__ import annotations

import re
from ipaddress import IPv6Address, ip_address
from typing import Annotated

import httpx
import idna
from pydantic import AfterValidator, Field

HIGHEST_PORT = 65_535
LONGEST_NAME = 253
LONGEST_URL = 2000
# Underscores stand in the names of containers.
_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*\.?")


def normal_host(text: str) -> str:
    """The host in lower case and ASCII; an IPv6 address without brackets.

    Raises ValueError for what is none, and for an IPv6 address with a zone.
    """
    host = text.strip().lower()
    if host.startswith("[") and host.endswith("]"):
        return str(IPv6Address(_without_zone(host[1:-1])))
    if ":" in host:
        return str(ip_address(_without_zone(host)))
    if not host.isascii():
        host = _in_ascii(host)
    if len(host) > LONGEST_NAME or not _NAME.fullmatch(host):
        raise ValueError("This is no name of a host, nor its address")
    return host


def checked_url(text: str) -> str:
    """Raises ValueError unless it is a URL of http or https without credentials."""
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as error:
        raise ValueError(f"This is no URL: {error}") from None
    if url.scheme not in {"http", "https"}:
        raise ValueError("This must begin with http:// or https://")
    if url.userinfo:
        raise ValueError("A URL is no place for credentials: there are fields for them")
    if url.port is not None and not 1 <= url.port <= HIGHEST_PORT:
        raise ValueError(f"There is no port {url.port}")
    normal_host(url.raw_host.decode())
    return str(url)


def _without_zone(address: str) -> str:
    if "%" in address:
        raise ValueError("An address with a zone can't be connected to: leave out % and the zone")
    return address


def _in_ascii(host: str) -> str:
    try:
        return idna.encode(host, uts46=True).decode()
    except idna.IDNAError:
        raise ValueError("This is no name of a host, nor its address") from None


Host = Annotated[str, Field(max_length=LONGEST_NAME), AfterValidator(normal_host)]
Port = Annotated[int, Field(ge=1, le=HIGHEST_PORT)]
Url = Annotated[str, Field(max_length=LONGEST_URL), AfterValidator(checked_url)]
