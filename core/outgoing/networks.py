"""Which addresses are public, and which others an operator allows."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Annotated

from pydantic import AfterValidator, Field

from core import options
from core.options import Option

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# Listed here because ipaddress.is_global says different things in different patch releases of
# Python (CVE-2024-4032), and never that 168.63.129.16 is the host of a virtual machine.
SPECIAL_IPV4 = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "168.63.129.16/32",
            "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
            "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24",
            "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        ),
    )
)  # fmt: skip
NAT64 = IPv6Network("64:ff9b::/96")
PUBLIC_IPV6 = (IPv6Network("2000::/3"), NAT64)
SPECIAL_IPV6 = tuple(map(IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")))
NETWORK_FORMAT = "ip-network"  # in schemas: an address, with or without a prefix length
IPV4_COMPATIBLE = IPv6Network("::/96")
LOOPBACK = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))


def _network(text: str) -> str:
    return str(ip_network(text.strip()))


options.section(
    "outgoing", title="Outgoing connections", help="Where probes and controllers may connect to."
)
_Network = Annotated[
    str, AfterValidator(_network), Field(json_schema_extra={"format": NETWORK_FORMAT})
]
ALLOWED: Option[list[str]] = options.declare(
    "outgoing.allowed_networks",
    Annotated[list[_Network], Field(max_length=200)],
    default=[],
    help="Networks that aren't public to which probes, controllers and webhooks may connect all"
    ' the same, such as ["10.0.0.0/8", "fd00::/8"]. Whoever may define services can then make'
    " the instance send requests there.",
)


def is_allowed(address: Address) -> bool:
    """Whether it may be connected to: it, and what a gateway would make of it, is public or
    within an allowed network."""
    return next(_refused(address), None) is None


def is_public(address: Address) -> bool:
    """Whether it is of the public internet, by the registries of special-purpose addresses."""
    if isinstance(address, IPv4Address):
        return not _is_within(address, SPECIAL_IPV4)
    return _is_within(address, PUBLIC_IPV6) and not _is_within(address, SPECIAL_IPV6)


def to_allow(address: Address) -> Network:
    """The network that an operator would have to allow for a refused address, no larger than it
    must be."""
    refused = next(_refused(address))
    return next((each for each in LOOPBACK if refused in each), ip_network(refused))


def _refused(address: Address) -> Iterator[Address]:
    allowed = tuple(ip_network(text) for text in ALLOWED.value)
    for each in _meant(address):
        if not is_public(each) and not _is_within(each, allowed):
            yield each


def _meant(address: Address) -> Iterator[Address]:
    """The address, unless it is IPv4 in IPv6 clothes, and the IPv4 addresses in it to which a
    gateway could forward what is sent there."""
    if isinstance(address, IPv4Address):
        yield address
        return
    if address.ipv4_mapped is not None:
        yield address.ipv4_mapped
        return
    yield address
    if address in NAT64 or (address in IPV4_COMPATIBLE and int(address) > 1):
        yield IPv4Address(int(address) & 0xFFFF_FFFF)
    if address.sixtofour is not None:
        yield address.sixtofour
    yield from address.teredo or ()


def _is_within(address: Address, networks: tuple[Network, ...]) -> bool:
    return any(address in network for network in networks)
