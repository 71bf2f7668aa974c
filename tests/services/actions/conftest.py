from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client

from core.valkey import connect
from services.probing.operations import look
from services.registry.models import Service
from tasks import doorbell, draining, runner
from tasks.models import Status, Task
from tests.services.actions import specimens
from tests.services.actions.specimens import Program


@pytest.fixture
def programs(tmp_path: Path) -> Iterator[Callable[[str], Program]]:
    """The programs of this test, by their names; they end with it."""
    specimens.register()
    yield lambda name: Program(tmp_path, name)
    specimens.remove()
    for path in tmp_path.glob("*.pid"):
        Program(tmp_path, path.stem).stop()


@pytest.fixture
def create(
    transactional_db: None, programs: Callable[[str], Program], tmp_path: Path
) -> Iterator[Callable[..., Service]]:
    """Register a program that runs, and look at it: `create("web", "database")`."""
    broker = connect(settings.BROKER_URL)
    broker.flushdb()
    broker.close()
    doorbell.reset()
    draining.reset()

    def made(name: str, *needs: str, **given: object) -> Service:
        service = specimens.create(tmp_path, name, *needs, **given)  # type: ignore[arg-type]
        look(name=name)
        return service

    yield made
    draining.reset()


@pytest.fixture
def defined(db: None, programs: Callable[[str], Program], tmp_path: Path) -> Callable[..., Service]:
    """Like `create`, for what acts upon nothing: nobody has looked at the service yet."""
    return partial(specimens.create, tmp_path)


@pytest.fixture
def running_tasks() -> Iterator[None]:
    """A thread that runs what is pending, as a worker would."""
    stop = threading.Event()

    def work() -> None:
        while not stop.wait(0.02):
            for pk in Task.objects.filter(status=Status.PENDING).values_list("pk", flat=True):
                runner.run(pk)
        connection.close()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    yield
    stop.set()
    thread.join(30)


@pytest.fixture
def api(make_key: Callable[..., str]) -> Client:
    """A client of the API whose key has every scope."""
    return Client(headers={"X-API-Key": make_key()})
