"""Whether a port takes connections, and says what it should."""

from __future__ import annotations

import socket
import time
from typing import Annotated

from pydantic import Field

from core.outgoing.addresses import connect
from core.outgoing.hosts import Host, Port
from services.probes.base import Observation, Probe, Status, Target, Unhealthy, register

MOST_BYTES = 4096
SHOWN = 200  # characters of what was said instead


@register("tcp", title="TCP port")
class TcpProbe(Probe):
    """A server that speaks first can be held to what it says."""

    class Configuration(Probe.Configuration):
        host: Host
        port: Port
        expect: Annotated[
            str,
            Field(
                max_length=200,
                description="Text that the server sends by itself, within its first 4 KiB.",
            ),
        ] = ""

    def look(self, target: Target) -> Observation:
        settings = self.configuration
        began = time.monotonic()
        with connect(settings.host, settings.port, deadline=target.deadline) as connected:
            latency_ms = (time.monotonic() - began) * 1000
            if settings.expect:
                _expect(settings.expect.encode(), connected, target)
        return Observation(status=Status.RUNNING, latency_ms=latency_ms)


def _expect(wanted: bytes, connected: socket.socket, target: Target) -> None:
    """Raises Unhealthy when something else is said, or nothing in time."""
    said = b""
    try:
        while wanted not in said and len(said) < MOST_BYTES:
            connected.settimeout(target.remaining())
            more = connected.recv(MOST_BYTES)
            if not more:
                break
            said += more
    except TimeoutError:
        pass
    if wanted not in said:
        shown = repr(said.decode(errors="replace")[:SHOWN]) if said else "nothing"
        raise Unhealthy(f"It takes connections, but said {shown} instead of what is expected")
