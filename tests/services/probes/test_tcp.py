"""The tcp probe sees whether a port takes connections and says what it should."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from pydantic import ValidationError

from core import options
from services.probes.base import Outcome, Status
from services.probes.tcp import TcpProbe


@contextmanager
def listening(*said: bytes, then_close: bool = True) -> Iterator[int]:
    """A server that says something to each who connects, piece by piece."""
    over = threading.Event()

    def serve() -> None:
        while not over.is_set():
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with client:
                for each in said:
                    client.sendall(each)
                if not then_close:
                    over.wait(30)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=serve, daemon=True)
        server.start()
        yield listener.getsockname()[1]
        over.set()
        listener.shutdown(socket.SHUT_RDWR)
        server.join()


def test_a_port_that_takes_connections_is_healthy(look):
    with listening() as port:
        seen = look("tcp", host="127.0.0.1", port=port)
    assert (seen.outcome, seen.reason, seen.status) == (Outcome.PASS, "", Status.RUNNING)
    assert 0 < seen.latency_ms < 2000


def test_a_port_that_takes_none_is_unhealthy(look):
    with listening() as port:
        pass
    seen = look("tcp", host="127.0.0.1", port=port)
    assert seen.outcome is Outcome.FAIL
    assert seen.reason == f"127.0.0.1:{port}: Connection refused"


@pytest.mark.parametrize("said", [[b"220 smtp ready\r\n"], [b"22", b"0 sm", b"tp ready"]])
def test_a_server_that_says_what_is_expected_is_healthy(look, said):
    with listening(*said) as port:
        assert look("tcp", host="127.0.0.1", port=port, expect="220 smtp").outcome is Outcome.PASS


@pytest.mark.parametrize("said", [b"500 sorry\r\n", b"\xff\x00" * 5000, b""])
def test_a_server_that_says_something_else_is_unhealthy(look, said):
    with listening(said) as port:
        seen = look("tcp", host="127.0.0.1", port=port, expect="220 smtp")
    assert seen.outcome is Outcome.FAIL
    assert seen.reason.startswith("It takes connections, but said ")
    assert len(seen.reason) < 1000


def test_a_server_that_says_nothing_is_waited_for_until_the_deadline(look):
    with listening(then_close=False) as port:
        began = time.monotonic()
        seen = look("tcp", host="127.0.0.1", port=port, expect="220", timeout=0.2)
        assert time.monotonic() - began < 1
    assert seen.outcome is Outcome.FAIL
    assert "said nothing" in seen.reason


def test_this_machine_is_looked_at_only_when_that_is_allowed(look):
    with listening() as port, options.replaced({}):
        seen = look("tcp", host="localhost", port=port)
    assert seen.outcome is Outcome.FAIL
    assert "outgoing.allowed_networks" in seen.reason


def test_a_name_that_is_not_resolved_in_time_is_said(look, monkeypatch):
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: over.wait(30) and [])
    seen = look("tcp", host="slow.example", port=80, timeout=0.1)
    over.set()
    assert (seen.outcome, seen.status) == (Outcome.FAIL, Status.UNKNOWN)
    assert seen.reason == (
        "did not answer within 0.1 s: slow.example could not be resolved in time"
    )


@pytest.mark.parametrize(
    "wrong",
    [{"host": "a b"}, {"host": ""}, {"port": 0}, {"port": 65_536}, {"port": None},
     {"expect": "x" * 201}, {"other": 1}],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValidationError):
        TcpProbe.Configuration.model_validate({"host": "a.example", "port": 80, **wrong})
