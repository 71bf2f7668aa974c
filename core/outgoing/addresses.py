"""From the name of a host to addresses that may be connected to, and to a connection."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterable
from concurrent.futures import Future
from contextlib import suppress
from ipaddress import ip_address
from threading import Lock, Thread
from typing import Any

from core.errors import Unprocessable
from core.outgoing import networks
from core.outgoing.hosts import HIGHEST_PORT, normal_host


class AddressRefused(Unprocessable):
    """It isn't public, and no operator allowed it."""

    code = "address_refused"


def resolve(host: str, port: int, *, deadline: float) -> list[str]:
    """The addresses of a host, the best first, all of them checked.

    Connect to these and not to the name, which may mean something else when it is resolved
    again. Raises AddressRefused when one of them is neither public nor allowed, or for what is no
    name of a host; OSError for a name that can't be resolved, TimeoutError among them.
    """
    try:
        name = normal_host(host)
    except ValueError as error:
        raise AddressRefused(f"Can't connect to {host!r}: {error}.") from None
    if not 1 <= port <= HIGHEST_PORT:  # that of a redirect was checked by nobody
        raise AddressRefused(f"Can't connect to {host}: there is no port {port}.")
    found = _look_up(name, deadline)
    refused = [each for each in found if not networks.is_allowed(_parsed(each))]
    if refused:
        raise AddressRefused(_refusal(host, port, refused))
    return found


def connect(host: str, port: int, *, deadline: float) -> socket.socket:
    """A connection to the first address of the host that takes one, without a timeout of its own.

    Raises what `resolve` does, and OSError with a sentence when none takes one.
    """
    addresses = resolve(host, port, deadline=deadline)
    failures: list[str] = []
    for position, address in enumerate(addresses):
        # One that swallows packets leaves time for the others.
        share = (deadline - time.monotonic()) / (len(addresses) - position)
        try:
            made = socket.create_connection((address, port), timeout=max(share, 0.001))
        except TimeoutError:
            failures.append(f"{_at(address, port)} did not take a connection in time")
        except OSError as error:
            failures.append(f"{_at(address, port)}: {error.strerror or error}")
        else:
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            made.settimeout(None)
            return made
    kind = TimeoutError if time.monotonic() >= deadline else ConnectionError
    raise kind("; ".join(failures))


def _refusal(host: str, port: int, refused: Iterable[str]) -> str:
    listed = sorted(set(refused))
    needed = sorted({str(networks.to_allow(_parsed(each))) for each in listed})
    where = f" at {', '.join(listed)}" if listed != [host] else ""
    return (
        f"{_at(host, port)}{where} is not public: for connections there, add"
        f" {' and '.join(needed)} to outgoing.allowed_networks."
    )


def _parsed(address: str) -> networks.Address:
    return ip_address(address.partition("%")[0])


def _at(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


# ---------------------------------------------------------------------------------------------
# The system's resolver knows /etc/hosts and all else that the system is set up with, but no
# deadline: it is asked in a thread, of which a name never has more than one.

_under_way: dict[str, Future[list[str]]] = {}
_lock = Lock()


def _look_up(name: str, deadline: float) -> list[str]:
    with suppress(ValueError):
        return [str(ip_address(name))]
    with _lock:
        found = _under_way.get(name)
        if found is None:
            found = Future()
            Thread(target=_ask, args=(name, found), name="resolver", daemon=True).start()
            _under_way[name] = found
    try:
        return found.result(timeout=max(deadline - time.monotonic(), 0))
    except TimeoutError:
        raise TimeoutError(f"{name} could not be resolved in time") from None


def _ask(name: str, found: Future[list[str]]) -> None:
    answer: list[str] | OSError
    try:
        answer = _addresses(name)
    except Exception as error:
        told = getattr(error, "strerror", None) or error
        answer = OSError(f"{name} can't be resolved: {told}")
    with _lock:
        _under_way.pop(name, None)
    if isinstance(answer, OSError):
        found.set_exception(answer)
    else:
        found.set_result(answer)


def _addresses(name: str) -> list[str]:
    # As bytes, or Python's codec would have its say about names once more.
    answers = socket.getaddrinfo(name.encode(), None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(_address(family, where) for family, _, _, _, where in answers))


def _address(family: int, where: tuple[Any, ...]) -> str:
    zone = where[3] if family == socket.AF_INET6 else 0
    return f"{where[0]}%{zone}" if zone else str(where[0])


def _forget() -> None:
    """The threads of a parent do not answer in its child."""
    global _lock
    _lock = Lock()
    _under_way.clear()


os.register_at_fork(after_in_child=_forget)
