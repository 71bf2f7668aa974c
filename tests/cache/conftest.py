"""A Valkey of the test alone, used by Django's cache here and by the processes it spawns."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis
from django.core.cache import caches

from core import valkey
from core.cache import levels
from core.processes import queries as processes
from tests import servers
from tests.processes.spawning import database_url
from tests.waiting import until

ROOT = Path(__file__).resolve().parents[2]
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

    told_of_everything(backend)
    until(read)
    return backend.get(key)


def told_of_everything(backend: Any) -> None:
    """Wait until no word of an earlier write is on its way to this process."""
    levels, name = backend.levels, backend.make_key("barrier")
    levels.local.put(name, b"", b"", 60)
    levels.shared.client.set(name, b"", px=1000)
    until(lambda: name not in levels.local.names())
    levels.shared.client.unlink(name)


class Other:
    """Another process that uses the same cache; see `tests.cache.program`."""

    def __init__(self, caches_setting: dict[str, Any], **environment: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.cache.program"],
            cwd=ROOT,
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "nexus.settings",
                 "TEST_CACHES": json.dumps(caches_setting), **environment},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def ask(self, do: str, *arguments: Any) -> None:
        assert self.process.stdin
        self.process.stdin.write(json.dumps({"do": do, "with": arguments}) + "\n")
        self.process.stdin.flush()

    def answer(self) -> Any:
        assert self.process.stdout
        return json.loads(self.process.stdout.readline())

    def do(self, do: str, *arguments: Any) -> Any:
        self.ask(do, *arguments)
        return self.answer()

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """End it in order."""
        self.process.communicate(timeout=20)

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def others(settings: Any) -> Iterator[Callable[[], Other]]:
    """Starts processes that use the cache of the test; they end with it."""
    started: list[Other] = []

    def start() -> Other:
        started.append(Other(settings.CACHES))
        assert started[-1].do("coherent")
        return started[-1]

    yield start
    for each in started:
        each.end()


@pytest.fixture
def spawn_with_cache(transactional_db: None, settings: Any) -> Iterator[Callable[[], Other]]:
    """Starts processes of the instance, with their heartbeat and their control channel."""
    started: list[Other] = []

    def start() -> Other:
        other = Other(settings.CACHES, DATABASE_URL=database_url(), TEST_ROLE="web")
        started.append(other)
        assert other.do("coherent")
        until(lambda: any(row["pid"] == other.process.pid for row in processes.alive()))
        return other

    yield start
    for each in started:
        each.end()
