from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pydantic
import pytest
from django.conf import settings

from core.health.checks import Outcome
from core.valkey import cache_client
from services.probes.base import Status
from services.probes.redis import RedisProbe


@pytest.fixture
def server() -> dict[str, Any]:
    """The Valkey of the tests' cache, as a probe's configuration."""
    url = urlsplit(str(settings.CACHES["default"]["LOCATION"]))
    return {"host": url.hostname, "port": url.port, "password": url.password}


@contextmanager
def answering(answer: bytes, *, pause: float = 0.0) -> Iterator[int]:
    """A server that says this to whoever connects, a byte at a time with a pause before each."""
    over = threading.Event()

    def serve() -> None:
        with listener:
            connected, _ = listener.accept()
            with connected:
                connected.recv(4096)
                for byte in answer:
                    if over.wait(pause):
                        return
                    try:
                        connected.send(bytes([byte]))
                    except OSError:
                        return

    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        over.set()
        thread.join(5)


def test_it_tells_version_start_and_work(look, server):
    seen = look("redis", **server)

    assert seen.outcome is Outcome.PASS
    assert seen.status is Status.RUNNING
    assert seen.version == cache_client().info("server")["valkey_version"]
    assert seen.started_at <= datetime.now(UTC)
    assert seen.requests_handled > 0
    assert seen.figures["role"] == "master"
    assert seen.figures["used_memory_bytes"] > 100_000
    assert seen.figures["connected_clients"] >= 1


def test_it_says_the_same_start_each_time(look, server):
    assert look("redis", **server).started_at == look("redis", **server).started_at


def test_a_full_memory_degrades_a_server_that_evicts_nothing(look, server):
    client = cache_client()
    before = client.config_get("maxmemory*")
    try:
        client.config_set("maxmemory-policy", "noeviction")
        client.config_set("maxmemory", client.info("memory")["used_memory"] * 2)
        full = look("redis", **server, max_memory_percent=10)
        client.config_set("maxmemory-policy", "allkeys-lru")
        evicting = look("redis", **server, max_memory_percent=10)
    finally:
        for name in ("maxmemory", "maxmemory-policy"):
            client.config_set(name, before[name])

    assert full.outcome is Outcome.WARNING
    assert "of its memory is in use" in full.reason
    assert evicting.outcome is Outcome.PASS


def test_many_clients_degrade_it(look, server):
    seen = look("redis", **server, max_clients_percent=0.001)

    assert seen.outcome is Outcome.WARNING
    assert "clients are connected" in seen.reason


def test_a_wrong_password_is_told_and_never_shown(look, server):
    seen = look("redis", **{**server, "password": "wrong-one"})

    assert seen.outcome is Outcome.FAIL
    assert "invalid username-password pair" in seen.reason
    assert "wrong-one" not in seen.reason


def test_a_server_that_loads_its_data_is_starting(look):
    with answering(b"-LOADING it is loading the dataset in memory\r\n" * 5) as port:
        seen = look("redis", host="127.0.0.1", port=port)

    assert seen.outcome is Outcome.FAIL
    assert seen.status is Status.STARTING


def test_an_answer_byte_by_byte_holds_the_thread_no_longer_than_the_deadline(look):
    with answering(b"$100000\r\n" + b"x" * 100_000, pause=0.05) as port:
        began = time.monotonic()
        seen = look("redis", timeout=0.3, host="127.0.0.1", port=port)
        took = time.monotonic() - began

    assert seen.outcome is Outcome.FAIL
    assert seen.reason == "It did not answer in time."
    assert took < 1


def test_nobody_listening_is_told(look, server):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        seen = look("redis", host="127.0.0.1", port=taken.getsockname()[1])

    assert seen.outcome is Outcome.FAIL
    assert "Connection refused" in seen.reason


def test_a_private_address_is_refused_unless_allowed(look, server, nothing_allowed):
    seen = look("redis", **server)

    assert seen.outcome is Outcome.FAIL
    assert "outgoing.allowed_networks" in seen.reason


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"host": "a b"}, "host"),
        ({"db": -1}, "db"),
        ({"username": "a\0"}, "username"),
        ({"tls": {"ca_certificate": "no certificate"}}, "tls"),
        ({"tls": {"certificate": "x"}}, "tls"),
        ({"max_memory_percent": 101}, "max_memory_percent"),
    ],
)
def test_a_wrong_configuration_names_its_field(server, wrong, field):
    with pytest.raises(pydantic.ValidationError) as caught:
        RedisProbe.Configuration.model_validate({**server, **wrong})

    assert [".".join(map(str, each["loc"])) for each in caught.value.errors()] == [field]
