"""Which container of which Docker Engine is meant."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

import pydantic
from pydantic import AfterValidator, Field, StringConstraints

from core.outgoing.hosts import checked_url
from services.clients.fields import Tls

SOCKET = "unix:///var/run/docker.sock"


def _checked(url: str) -> str:
    scheme, _, rest = url.partition("://")
    if scheme == "unix":
        if not rest.startswith("/") or not rest.isprintable() or len(rest) > 107:
            raise ValueError("This must be the absolute path of a socket: unix:///run/docker.sock")
        return url
    if scheme != "tcp":
        raise ValueError("This must begin with unix:// or tcp://")
    parts = urlsplit(checked_url(f"http://{rest}"))
    if parts.port is None or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError("This must be a host and a port: tcp://host:2376")
    return url


class Container(pydantic.BaseModel):
    """A container by its name or id."""

    container: Annotated[
        str, StringConstraints(max_length=255, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    ]
    url: Annotated[
        str,
        Field(max_length=300, description="unix:///path, or tcp://host:port with TLS as in `tls`."),
        AfterValidator(_checked),
    ] = SOCKET
    tls: Tls | None = None
