"""A Valkey of the test alone, used by Django's cache here and by the processes it spawns."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis
from django.core.cache import caches

from core import valkey
from core.cache import levels
from tests import servers
from tests.waiting import until

PREFIX = "nexus:cache:ofatest"


class Server:
    """A Valkey that the test may freeze, stop and start again on the same port."""

    def __init__(self, folder: Path) -> None:
        self.process, self.url = servers.start_valkey(folder, "own")
        self.client = redis.Redis.from_url(self.url)
        until(self.answers)

    def answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except redis.RedisError:
            return False

    def stop(self) -> None:
        self.process.kill()
        self.process.wait(10)

    def start(self) -> None:
        self.process = subprocess.Popen(self.process.args)
        until(self.answers)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def names(self) -> list[str]:
        return sorted(name.decode(errors="replace") for name in self.client.scan_iter(count=1000))


@pytest.fixture(scope="session")
def one_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Started once; tests that stop it have one of their own."""
    server = Server(tmp_path_factory.mktemp("valkey"))
    yield server
    server.stop()


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path)
    yield server
    server.process.send_signal(signal.SIGCONT)
    server.stop()


def configured(server: Server, settings: Any) -> None:
    chosen = {
        "BACKEND": "core.cache.backend.TwoLevelCache",
        "LOCATION": server.url,
        "KEY_PREFIX": PREFIX,
    }
    settings.CACHES = {
        "default": chosen,
        "second": {**chosen, "VERSION": 2},
        "neighbour": {**chosen, "KEY_PREFIX": "nexus:cache:another"},
    }
    levels.forget()
    valkey.cache_client.cache_clear()


@pytest.fixture
def cache(one_server: Server, settings: Any) -> Iterator[Any]:
    """The backend behind `django.core.cache.cache`, its channel up, nothing in it."""
    one_server.client.flushall()
    configured(one_server, settings)
    yield coherent()
    levels.forget()
    valkey.cache_client.cache_clear()


@pytest.fixture
def own_cache(own_server: Server, settings: Any) -> Iterator[Any]:
    configured(own_server, settings)
    yield coherent()
    levels.forget()
    valkey.cache_client.cache_clear()


def coherent() -> Any:
    backend: Any = caches["default"]
    backend.levels.channel.ensure_started()
    until(lambda: backend.levels.channel.connected)
    return backend


def held(backend: Any, key: str) -> bool:
    """Whether this process has the key in its own memory."""
    return backend.make_key(key) in backend.levels.local.names()


def taken_up(backend: Any, key: str) -> Any:
    """The value, once it is in this process's own memory."""

    def read() -> bool:
        backend.get(key)
        return held(backend, key)

    until(read)
    return backend.get(key)
