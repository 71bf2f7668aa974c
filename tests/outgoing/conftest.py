"""Web servers, and leave to connect to them."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from core import options
from tests.web_servers import WebServer, certificate, serving


@pytest.fixture
def web() -> Iterator[WebServer]:
    with serving() as server, options.replaced({"outgoing.allowed_networks": ["127.0.0.1/32"]}):
        yield server


@pytest.fixture
def secure(tmp_path) -> Iterator[tuple[WebServer, str]]:
    """A server with TLS, and the certificate of its authority."""
    context, authority = certificate(tmp_path, days=90)
    with (
        serving(context) as server,
        options.replaced({"outgoing.allowed_networks": ["127.0.0.1/32"]}),
    ):
        yield server, authority


@pytest.fixture
def names(monkeypatch) -> dict[str, list[list[str]]]:
    """The answers that a resolver gives for names, one after the other."""
    answers: dict[str, list[list[str]]] = {}
    asked = socket.getaddrinfo

    def resolver(host, port, *rest, **more):
        name = host.decode() if isinstance(host, bytes) else host
        if name not in answers:
            return asked(host, port, *rest, **more)
        found = answers[name].pop(0)
        return [each for address in found for each in asked(address, port, *rest, **more)]

    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    return answers
