from __future__ import annotations

import socket
import time

import pytest

from core.outgoing.addresses import AddressRefused
from services.clients import sockets
from services.clients.errors import NotAnswered, NotReached

pytestmark = pytest.mark.usefixtures("loopback_allowed")


@pytest.fixture
def silent():
    """The port of a server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_whoever_waits_is_freed_at_the_deadline(silent):
    began = time.monotonic()

    with pytest.raises(NotAnswered), sockets.bounded(began + 0.2):
        connected = sockets.connect("127.0.0.1", silent)
        connected.settimeout(None)
        if not connected.recv(1):
            raise EOFError

    assert 0.2 <= time.monotonic() - began < 1


def test_one_that_is_made_too_late_is_of_no_use(silent):
    with (
        sockets.bounded(time.monotonic() + 5) as _,
        socket.create_connection(("127.0.0.1", silent)) as connected,
    ):
        bound = sockets._current.get()
        bound.cut()
        bound.hold(connected)

        assert connected.recv(1) == b""


def test_what_is_raised_in_time_stays_what_it_is(silent):
    with pytest.raises(EOFError), sockets.bounded(time.monotonic() + 5):
        raise EOFError


def test_nothing_is_left_open_after_the_block(silent):
    with sockets.bounded(time.monotonic() + 5):
        connected = sockets.connect("127.0.0.1", silent)
        bound = sockets._current.get()
        (copy,) = bound._held
    connected.close()

    assert copy.fileno() == -1
    with pytest.raises(LookupError):
        sockets.remaining()


def test_nobody_listening_and_no_name_are_not_reached(tmp_path):
    with sockets.bounded(time.monotonic() + 5):
        with pytest.raises(NotReached, match="Connection refused"):
            sockets.connect("127.0.0.1", 1)
        with pytest.raises(NotReached, match="No such file"):
            sockets.connect_unix(str(tmp_path / "none.sock"))


def test_an_address_that_is_not_allowed_is_refused(nothing_allowed):
    with sockets.bounded(time.monotonic() + 5), pytest.raises(AddressRefused):
        sockets.connect("127.0.0.1", 1)
