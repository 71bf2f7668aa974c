"""The official client of the Docker Engine, with connections that are made by us."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

import docker
import requests
from docker.errors import APIError, DockerException

from core.errors import NexusError
from services.clients import http, sockets
from services.clients.containers import Container
from services.clients.errors import NotAnswered, NotReached, Refused
from services.clients.fields import Tls

ANY_HOST = "http://localhost:2375"  # for requests to a socket, which has no host
NEVER = "0001-01-01T00:00:00Z"
SERVER_ERROR = 500


class _Client(docker.APIClient):
    """All that it connects to, it connects to by our adapter."""

    def __init__(self, adapter: http.Adapter, **options: Any) -> None:
        self._adapter = adapter
        super().__init__(**options)

    def get_adapter(self, url: str) -> http.Adapter:
        return self._adapter

    @property
    def trust_env(self) -> bool:
        """The proxies and passwords of this process's environment are for other connections."""
        return False

    @trust_env.setter
    def trust_env(self, value: bool) -> None:
        """Where requests begins with the opposite."""


@dataclass(frozen=True, slots=True)
class Engine:
    """One conversation about one container."""

    client: docker.APIClient
    container: str

    @classmethod
    @contextmanager
    def connected(cls, container: Container, *, deadline: float) -> Iterator[Self]:
        with _as_ours(), sockets.bounded(deadline):
            client = _client(container)
            try:
                yield cls(client, container.container)
            finally:
                client.close()

    def inspect(self) -> dict[str, Any]:
        found: dict[str, Any] = self.client.inspect_container(self.container)
        return found

    def memory(self) -> dict[str, int]:
        """What is in use and the limit, in bytes; the cache of files does not count."""
        told = self.client.stats(self.container, stream=False, one_shot=True)["memory_stats"]
        cache = told.get("stats", {}).get("inactive_file", 0)
        return {
            "memory_bytes": max(told.get("usage", 0) - cache, 0),
            "memory_limit_bytes": told.get("limit", 0),
        }

    def has_started_since(self, moment: datetime) -> bool:
        """By the engine's clock, which may be another's than ours."""
        state = self.inspect()["State"]
        started_at = when(state["StartedAt"])
        if not state["Running"] or started_at is None:
            return False
        now = when(self.client.info()["SystemTime"]) or datetime.now(UTC)
        return started_at > moment + (now - datetime.now(UTC))

    def start(self) -> None:
        """Nothing when it runs already."""
        self.client.start(self.container)

    def stop(self, seconds: int) -> None:
        """Return once it has stopped; it is killed after so many seconds."""
        self.client.stop(self.container, timeout=seconds)

    def restart(self, seconds: int) -> None:
        """Return once it is started again."""
        self.client.restart(self.container, timeout=seconds)

    def logs(self, lines: int) -> list[str]:
        told: bytes = self.client.logs(self.container, tail=lines)
        return told.decode(errors="replace").splitlines()

    @staticmethod
    def started_at(found: dict[str, Any]) -> datetime | None:
        return when(found["State"]["StartedAt"]) if found["State"]["Running"] else None


def when(text: str) -> datetime | None:
    """A time as Docker writes it, in nanoseconds; None for never."""
    return None if text in ("", NEVER) else datetime.fromisoformat(text)


def _client(container: Container) -> docker.APIClient:
    scheme, _, rest = container.url.partition("://")
    if scheme == "unix":
        adapter, base_url = http.Adapter(http.unix_pools(rest)), ANY_HOST
    else:
        adapter = http.Adapter(http.pools((container.tls or Tls()).context()))
        base_url = f"{'https' if container.tls else 'http'}://{rest.rstrip('/')}"
    return _Client(adapter, base_url=base_url, version="auto", timeout=sockets.remaining())


@contextmanager
def _as_ours() -> Iterator[None]:
    """Raise what the library raises as what it says of the request."""
    try:
        yield
    except APIError as error:
        told = str(error.explanation or error).strip()
        if (error.status_code or SERVER_ERROR) >= SERVER_ERROR:
            raise NotAnswered(f"The Docker Engine failed: {told}") from error
        raise Refused(told, extra={"status": error.status_code}) from error
    except (DockerException, requests.RequestException) as error:
        # It wraps what its question for the version raised.
        first = error.__cause__ if isinstance(error, DockerException) else error
        if isinstance(first, NexusError):
            raise first from error
        if isinstance(first, requests.exceptions.SSLError):
            raise NotReached(f"The Docker Engine is not trusted: {first}") from error
        raise NotAnswered(f"The Docker Engine does not answer as one: {error}") from error
