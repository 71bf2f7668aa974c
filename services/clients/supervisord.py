"""supervisord's XML-RPC, over its socket or its HTTP port, with a deadline."""

from __future__ import annotations

import re
import time
import xmlrpc.client
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Annotated, Any, Self, cast
from xml.parsers import expat

import httpx
import pydantic
from pydantic import Field, SecretStr, StringConstraints

from core.outgoing import http
from core.outgoing.hosts import Url
from services.clients.errors import NotAnswered, NotReached, Refused

# Faults of its interface, with the numbers that supervisor.xmlrpc.Faults gives them.
SPAWN_ERROR, ALREADY_STARTED, NOT_RUNNING, SUCCESS = 50, 60, 70, 80
MAX_ANSWER_BYTES = 4 * 1024 * 1024
MAX_LOG_BYTES = 1024 * 1024
BYTES_OF_A_LINE = 200
LONGEST_CHARACTER = 4  # bytes, in UTF-8
XML = {"Content-Type": "text/xml", "Accept": "text/xml"}
_NOT_XML = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")

Program = Annotated[
    str,
    StringConstraints(max_length=200, pattern=r"^[^\s:*\x00-\x1f]+(:(\*|[^\s:*\x00-\x1f]+))?$"),
    Field(description="A program, `group:program`, or all of a group as `group:*`."),
]
# The system takes no longer path of a socket.
SocketPath = Annotated[str, StringConstraints(max_length=107, pattern=r"^/[^\x00-\x1f]+$")]
Username = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^:\x00-\x1f]*$")]


class Place(pydantic.BaseModel):
    """Where a supervisord listens, and the program meant there."""

    program: Program
    socket: Annotated[SocketPath | None, Field(description="Path of its UNIX socket.")] = None
    url: Annotated[Url | None, Field(description="Its HTTP port: http://host:9001.")] = None
    username: Username = ""
    password: SecretStr | None = None

    @pydantic.model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.socket is None) == (self.url is None):
            raise ValueError("Give either socket or url")
        return self

    @property
    def is_group(self) -> bool:
        return self.program.endswith(":*")


class Broken(Refused):
    """supervisord itself failed at what it was asked for."""


@dataclass(frozen=True, slots=True)
class Process:
    """One process as supervisord sees it. Its clock may be another's, so times are by this one."""

    name: str
    group: str
    state: str
    pid: int
    started_at: datetime | None
    seconds_up: int | None
    exit_status: int
    trouble: str
    has_stderr: bool

    @classmethod
    def read(cls, info: Any) -> Process:
        """Raises NotAnswered for what supervisord would never say."""
        try:
            return cls._read(info)
        except (TypeError, LookupError) as error:
            raise NotAnswered("What answered is no supervisord.") from error

    @classmethod
    def _read(cls, info: dict[str, Any]) -> Process:
        up = max(info["now"] - info["start"], 0) if info["pid"] else None
        return cls(
            name=info["name"],
            group=info["group"],
            state=info["statename"],
            pid=info["pid"],
            started_at=None if up is None else datetime.now(UTC) - timedelta(seconds=up),
            seconds_up=up,
            exit_status=info["exitstatus"],
            trouble=info["spawnerr"],
            has_stderr=bool(info["stderr_logfile"]),
        )

    @property
    def full_name(self) -> str:
        return f"{self.group}:{self.name}"

    def has_started_since(self, moment: datetime) -> bool:
        """Whether that is certain: supervisord says its times in whole seconds."""
        if self.seconds_up is None:
            return False
        return self.seconds_up + 1 <= (datetime.now(UTC) - moment).total_seconds()


class Supervisord:
    """One conversation, until `deadline` in monotonic seconds.

    All of it raises NotReached, NotAnswered, Refused (with `extra["fault"]` when supervisord
    says so in a fault) and core.outgoing.addresses.AddressRefused.
    """

    def __init__(self, place: Place, *, deadline: float) -> None:
        self._place = place
        self._deadline = deadline
        self._where = place.socket or place.url
        self._url = f"{(place.url or 'http://localhost').rstrip('/')}/RPC2"
        self._client = _client(place, deadline)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._client.close()

    def processes(self) -> list[Process]:
        """Those of the program, of which a group may have several."""
        if not self._place.is_group:
            return [Process.read(self.call("getProcessInfo", self._place.program))]
        group = self._place.program.removesuffix(":*")
        every = [Process.read(info) for info in self.call("getAllProcessInfo")]
        if not (found := [each for each in every if each.group == group]):
            raise Refused(f"supervisord has no group {group!r}.")
        return found

    def start(self) -> None:
        """Begin to, unless it runs already; its state tells what comes of it."""
        self._do("startProcess", ALREADY_STARTED, SPAWN_ERROR)

    def stop(self) -> None:
        """Begin to, unless it has stopped already."""
        self._do("stopProcess", NOT_RUNNING)

    def log(self, process: Process, channel: str, lines: int) -> list[str]:
        """The newest lines of its `Stdout` or `Stderr`."""
        size = min(max(lines, 20) * BYTES_OF_A_LINE, MAX_LOG_BYTES)
        for last in range(size, size - LONGEST_CHARACTER + 1, -1):
            try:
                return self._tail(process, channel, last)[-lines:]
            except Broken:  # what it does when the piece begins within a character
                continue
        return self._tail(process, channel, size - LONGEST_CHARACTER + 1)[-lines:]

    def call(self, method: str, *arguments: object) -> Any:
        answer = self._post(
            xmlrpc.client.dumps(cast(Any, arguments), f"supervisor.{method}").encode()
        )
        try:
            # Logs have control characters, which supervisord passes on and XML does not allow.
            (value,), _ = xmlrpc.client.loads(_NOT_XML.sub(b"", answer))
        except xmlrpc.client.Fault as fault:
            raise Refused(
                f"supervisord refused {method}: {fault.faultString}.",
                extra={"fault": fault.faultCode},
            ) from None
        except (expat.ExpatError, xmlrpc.client.Error, ValueError, TypeError, LookupError) as error:
            raise NotAnswered(f"What answered at {self._where} is no supervisord.") from error
        return value

    def _tail(self, process: Process, channel: str, size: int) -> list[str]:
        method = f"readProcess{channel}Log"
        return str(self.call(method, process.full_name, -size, 0)).splitlines()

    def _do(self, method: str, *taken: int) -> None:
        """Faults that are `taken` are no refusal."""
        try:
            outcomes = self.call(method, self._place.program, False)
        except Refused as refusal:
            if refusal.extra.get("fault") in taken:
                return
            raise
        if self._place.is_group:
            refused = [each for each in outcomes if each["status"] not in (SUCCESS, *taken)]
            if refused:
                told = ", ".join(f"{each['name']}: {each['description']}" for each in refused)
                raise Refused(f"supervisord refused {method}: {told}.")

    def _post(self, body: bytes) -> bytes:
        left = max(self._deadline - time.monotonic(), 0.001)
        request = self._client.stream("POST", self._url, content=body, headers=XML, timeout=left)
        try:
            with request as answer:
                return self._read(answer)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise NotReached(f"supervisord can't be reached at {self._where}: {error}.") from error
        except httpx.HTTPError as error:
            told = str(error) or type(error).__name__
            raise NotAnswered(f"supervisord at {self._where} did not answer: {told}.") from error

    def _read(self, answer: httpx.Response) -> bytes:
        if answer.status_code != httpx.codes.OK:
            is_broken = answer.status_code == httpx.codes.INTERNAL_SERVER_ERROR
            kind = Broken if is_broken else Refused
            raise kind(f"supervisord at {self._where} answered HTTP status {answer.status_code}.")
        received = bytearray()
        for piece in answer.iter_bytes():
            received += piece
            if len(received) > MAX_ANSWER_BYTES:
                raise NotAnswered(f"supervisord at {self._where} answered too much.")
            if time.monotonic() > self._deadline:
                raise NotAnswered(f"supervisord at {self._where} did not answer in time.")
        return bytes(received)


def _client(place: Place, deadline: float) -> httpx.Client:
    if place.socket is not None:
        made = httpx.Client(transport=httpx.HTTPTransport(uds=place.socket), trust_env=False)
    else:
        made = http.client(deadline=deadline, max_bytes=MAX_ANSWER_BYTES)
    if place.username:
        password = place.password.get_secret_value() if place.password else ""
        made.auth = httpx.BasicAuth(place.username, password)
    return made
