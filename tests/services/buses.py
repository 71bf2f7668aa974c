"""A system bus with a systemd on it, as far as the wire goes: no machine of a test is booted.

It speaks D-Bus's own protocol: the SASL exchange, Hello, matches, method calls and signals.
"""

from __future__ import annotations

import itertools
import os
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from jeepney import (
    DBusAddress,
    HeaderFields,
    Message,
    Parser,
    new_error,
    new_method_return,
    new_signal,
)

SYSTEMD = "org.freedesktop.systemd1"
MANAGER = DBusAddress("/org/freedesktop/systemd1", interface=f"{SYSTEMD}.Manager")
UNIT_PATH = "/org/freedesktop/systemd1/unit/"
GENERAL = {
    "LoadState": ("s", "loaded"), "LoadError": ("(ss)", ("", "")), "Description": ("s", "A test"),
    "ActiveState": ("s", "inactive"), "SubState": ("s", "dead"),
    "ActiveEnterTimestamp": ("t", 0), "InactiveExitTimestamp": ("t", 0),
}  # fmt: skip
OF_A_SERVICE = {
    "Result": ("s", "success"), "ExecMainCode": ("i", 0), "ExecMainStatus": ("i", 0),
    "MainPID": ("u", 0), "NRestarts": ("u", 0), "TasksCurrent": ("t", 2**64 - 1),
    "MemoryCurrent": ("t", 2**64 - 1), "CPUUsageNSec": ("t", 2**64 - 1),
}  # fmt: skip


def now() -> int:
    """As systemd says it, in microseconds."""
    return time.time_ns() // 1000


@dataclass
class StandIn:
    """`ends` is what becomes of jobs, None for one that never ends; `errors` are the errors
    that methods are answered with; at a method in `lost` the connection breaks."""

    address: str
    units: dict[str, dict[str, tuple[str, Any]]] = field(default_factory=dict)
    ends: str | None = "done"
    errors: dict[str, tuple[str, str]] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)
    silent: set[str] = field(default_factory=set)
    called: list[str] = field(default_factory=list)

    def set(self, name: str, **values: Any) -> None:
        """Change properties of a unit."""
        unit = self.units.setdefault(name, {**GENERAL, **OF_A_SERVICE})
        for key, value in values.items():
            unit[key] = (unit[key][0], value)

    def run(self, name: str, **values: Any) -> None:
        """Let a unit run since now."""
        moment = now()
        self.set(
            name,
            **{
                "ActiveState": "active",
                "SubState": "running",
                "ActiveEnterTimestamp": moment,
                "InactiveExitTimestamp": moment,
                **values,
            },
        )


@contextmanager
def running() -> Iterator[StandIn]:
    with tempfile.TemporaryDirectory(prefix="bus-") as folder:
        path = os.path.join(folder, "socket")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            listener.listen()
            made = StandIn(f"unix:path={path}")
            threading.Thread(target=_accept, args=(listener, made), daemon=True).start()
            yield made
            listener.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket, systemd: StandIn) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_Client(client, systemd).serve, daemon=True).start()


class _Client:
    """One connection to the bus."""

    def __init__(self, connection: socket.socket, systemd: StandIn) -> None:
        self._connection = connection
        self._systemd = systemd
        self._serials = itertools.count(1)
        self._matches: list[str] = []
        self._is_subscribed = False

    def serve(self) -> None:
        with self._connection, suppress(OSError):
            parser = Parser()
            parser.add_data(self._authenticated())
            while True:
                while (message := parser.get_next_message()) is not None:
                    self._answer(message)
                if not (data := self._connection.recv(4096)):
                    return
                parser.add_data(data)

    def _authenticated(self) -> bytes:
        """What came behind the exchange."""
        said = b""
        while b"\r\n" not in said:
            said += self._connection.recv(1024)
        assert said.startswith(b"\0AUTH EXTERNAL "), said
        self._connection.sendall(b"OK 1234deadbeef1234deadbeef12345678\r\n")
        said = b""
        while b"\r\n" not in said:
            said += self._connection.recv(1024)
        begin, _, rest = said.partition(b"\r\n")
        assert begin == b"BEGIN", begin
        return rest

    def _send(self, message: Message) -> None:
        message.header.fields[HeaderFields.sender] = ":1.1"
        self._connection.sendall(message.serialise(serial=next(self._serials)))

    def _answer(self, message: Message) -> None:
        method = message.header.fields[HeaderFields.member]
        self._systemd.called.append(method)
        if method in self._systemd.lost:
            self._connection.shutdown(socket.SHUT_RDWR)
        elif error := self._systemd.errors.get(method):
            name, told = error
            self._send(new_error(message, name, "s", (told,)))
        elif method not in self._systemd.silent:
            getattr(self, f"_{method}")(message)

    def _Hello(self, message: Message) -> None:
        self._send(new_method_return(message, "s", (":1.7",)))

    def _AddMatch(self, message: Message) -> None:
        self._matches += message.body
        self._send(new_method_return(message))

    def _Subscribe(self, message: Message) -> None:
        self._is_subscribed = True
        self._send(new_method_return(message))

    def _LoadUnit(self, message: Message) -> None:
        (name,) = message.body
        if name not in self._systemd.units:
            trouble = ("org.freedesktop.systemd1.NoSuchUnit", f"Unit {name} not found.")
            self._systemd.set(name, LoadState="not-found", LoadError=trouble)
        self._send(new_method_return(message, "o", (UNIT_PATH + _escaped(name),)))

    def _GetAll(self, message: Message) -> None:
        path = message.header.fields[HeaderFields.path].removeprefix(UNIT_PATH)
        name = next(each for each in self._systemd.units if _escaped(each) == path)
        is_general = message.body == (f"{SYSTEMD}.Unit",)
        values = self._systemd.units[name].items()
        found = {key: value for key, value in values if (key in GENERAL) == is_general}
        self._send(new_method_return(message, "a{sv}", (found,)))

    def _StartUnit(self, message: Message) -> None:
        self._job(message, "inactive")

    def _RestartUnit(self, message: Message) -> None:
        self._job(message, "")

    def _StopUnit(self, message: Message) -> None:
        self._job(message, "active")

    def _job(self, message: Message, changes_when: str) -> None:
        """Do it right away, and tell of it after the job of another."""
        name, mode = message.body
        assert mode == "replace", mode
        job = f"/org/freedesktop/systemd1/job/{next(self._serials)}"
        self._send(new_method_return(message, "o", (job,)))
        if self._systemd.ends is None:
            return
        if self._systemd.ends == "done":
            state = self._systemd.units[name]["ActiveState"][1]
            if changes_when == "active":
                self._systemd.set(name, ActiveState="inactive", SubState="dead")
            elif state != "active" or not changes_when:
                self._systemd.run(name)
        self._tell(f"{job}0", "other.service", "failed")
        self._tell(job, name, self._systemd.ends)

    def _tell(self, job: str, name: str, result: str) -> None:
        is_matched = any("member='JobRemoved'" in match for match in self._matches)
        if is_matched and self._is_subscribed:
            body = (next(self._serials), job, name, result)
            self._send(new_signal(MANAGER, "JobRemoved", "uoss", body))


def _escaped(name: str) -> str:
    return "".join(each if each.isalnum() else f"_{ord(each):02x}" for each in name)
