"""Formats of our schemas that schemathesis can't know; loaded by its own process."""

from __future__ import annotations

from ipaddress import ip_network

import schemathesis
from hypothesis import strategies

from core.outgoing.networks import NETWORK_FORMAT

schemathesis.openapi.format(
    NETWORK_FORMAT,
    strategies.builds(
        lambda address, bits: str(ip_network(f"{address}/{bits}", strict=False)),
        strategies.ip_addresses(),
        strategies.integers(0, 32),
    ),
)
