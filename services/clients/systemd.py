"""systemd's D-Bus interface, over the system bus, with a deadline."""

from __future__ import annotations

import signal
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from socket import socket
from types import TracebackType
from typing import Annotated, Any, Self

from jeepney import (
    DBusAddress,
    DBusErrorResponse,
    MatchRule,
    Message,
    Properties,
    message_bus,
    new_method_call,
)
from jeepney.bus import get_bus
from jeepney.io.blocking import DBusConnection, prep_socket
from jeepney.wrappers import unwrap_msg
from pydantic import AfterValidator, Field, StringConstraints

from services.clients.errors import NotAnswered, NotReached, Refused

NAME = "org.freedesktop.systemd1"
MANAGER = DBusAddress("/org/freedesktop/systemd1", NAME, f"{NAME}.Manager")
JOB_REMOVED = MatchRule(type="signal", interface=MANAGER.interface, member="JobRemoved")
NOT_THERE = frozenset({"ServiceUnknown", "NameHasNoOwner", "Disconnected"})
LATE = frozenset({"NoReply", "Timeout", "TimedOut"})
NOT_COUNTED = 2**64 - 1
EXITED = 1  # of siginfo_t.si_code, that is, CLD_EXITED; others ended by a signal
KINDS = "service|socket|timer|target|path|mount|automount|swap|slice|scope"


def _no_template(name: str) -> str:
    if "@." in name:
        raise ValueError("This is a template: name an instance of it, such as worker@1.service")
    return name


Unit = Annotated[
    str,
    StringConstraints(pattern=rf"^[A-Za-z0-9:_.\\@-]{{1,240}}\.({KINDS})$"),
    AfterValidator(_no_template),
    Field(description="With its suffix: nginx.service."),
]


@dataclass(frozen=True, slots=True)
class Standing:
    """How a unit is. `own` are the properties of its kind, such as those of a service."""

    loaded: str
    load_trouble: str
    active: str
    sub: str
    active_since: datetime | None
    left_inactive_at: datetime | None
    own: Mapping[str, Any]

    def has_started_since(self, moment: datetime) -> bool:
        return self.left_inactive_at is not None and self.left_inactive_at > moment

    def count(self, name: str) -> int | None:
        """One of its own properties; None where systemd does not count it."""
        value = self.own.get(name)
        return None if value in (None, NOT_COUNTED) else int(value)

    @property
    def trouble(self) -> str:
        """Why it failed, as far as systemd knows."""
        result = str(self.own.get("Result", "failed"))
        status, code = self.count("ExecMainStatus"), self.count("ExecMainCode")
        if not code:
            return result
        return f"{result}, {f'status {status}' if code == EXITED else _signal(status or 0)}"


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


class Systemd:
    """One conversation, whose calls are over at `deadline`, in monotonic seconds.

    All of it raises NotReached, NotAnswered and Refused.
    """

    def __init__(self, *, deadline: float) -> None:
        self._connection = _connected(deadline)
        self._ended: deque[Message] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._connection.close()

    def standing(self, unit: str) -> Standing:
        """How it is; systemd reads its file if it has not yet."""
        (path,) = self._call(new_method_call(MANAGER, "LoadUnit", "s", (unit,)))
        own = f"{NAME}.{unit.rpartition('.')[2].capitalize()}"
        general = self._properties(path, f"{NAME}.Unit")
        return Standing(
            loaded=general["LoadState"],
            load_trouble=general["LoadError"][1],
            active=general["ActiveState"],
            sub=general["SubState"],
            active_since=_moment(general["ActiveEnterTimestamp"]),
            left_inactive_at=_moment(general["InactiveExitTimestamp"]),
            own=self._properties(path, own),
        )

    def begin(self, method: str, unit: str) -> str:
        """Queue a job, such as by StartUnit; returns its path."""
        # The bus sends on what systemd says, and not what others say in its place.
        self._call(message_bus.AddMatch(f"{JOB_REMOVED.serialise()},sender='{NAME}'"))
        self._call(new_method_call(MANAGER, "Subscribe"))
        self._connection.filter(JOB_REMOVED, queue=self._ended)
        (job,) = self._call(new_method_call(MANAGER, method, "ss", (unit, "replace")))
        return str(job)

    def result(self, job: str, *, seconds: float) -> str | None:
        """What became of it, such as done; None if it isn't over within so many seconds."""
        deadline = time.monotonic() + seconds
        while True:
            while self._ended:
                _, ended, _, result = self._ended.popleft().body
                if ended == job:
                    return str(result)
            if not self._heard(deadline - time.monotonic()):
                return None

    def _heard(self, seconds: float) -> bool:
        with _asked():
            try:
                self._connection.recv_messages(timeout=max(seconds, 0.0))
            except TimeoutError:
                return False
        return True

    def _properties(self, path: str, interface: str) -> dict[str, Any]:
        object_ = DBusAddress(path, NAME, interface)
        (found,) = self._call(Properties(object_).get_all())
        return {name: value for name, (_, value) in found.items()}

    def _call(self, message: Message) -> tuple[Any, ...]:
        with _asked():
            return tuple(unwrap_msg(self._connection.send_and_get_reply(message)))


class _Connection(DBusConnection):
    """One on which no call outlasts the deadline, its very first included."""

    def __init__(self, connected: socket, deadline: float) -> None:
        self._deadline = deadline
        super().__init__(connected)

    def receive(self, *, timeout: float | None = None) -> Message:
        if timeout is None:
            timeout = max(self._deadline - time.monotonic(), 0.0)
        return super().receive(timeout=timeout)


def _connected(deadline: float) -> _Connection:
    try:
        connected = prep_socket(get_bus("SYSTEM"), timeout=max(deadline - time.monotonic(), 0.001))
    except (OSError, ValueError, RuntimeError) as error:
        raise NotReached(f"The system bus can't be reached: {error}.") from error
    try:
        with _asked():
            return _Connection(connected, deadline)
    except BaseException:
        connected.close()
        raise


@contextmanager
def _asked() -> Iterator[None]:
    try:
        yield
    except DBusErrorResponse as error:
        raise _refusal(error) from error
    except TimeoutError as error:
        raise NotAnswered("systemd did not answer in time.") from error
    except (OSError, ValueError) as error:
        raise NotAnswered(f"systemd did not answer: {error}.") from error


def _refusal(error: DBusErrorResponse) -> Exception:
    kind = error.name.rpartition(".")[2]
    told = str(error.data[0]).rstrip(".") if error.data else error.name
    if kind in NOT_THERE:
        return NotReached(f"There is no systemd on the system bus: {told}.")
    if kind in LATE:
        return NotAnswered(f"systemd did not answer: {told}.")
    return Refused(f"systemd refused it: {told}.")


def _moment(microseconds: int) -> datetime | None:
    return datetime.fromtimestamp(microseconds / 1e6, UTC) if microseconds else None
