from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client

from core.valkey import connect
from tasks import doorbell, draining
from tests.tasks import specimens
from tests.tasks.workers import Worker


@pytest.fixture
def engine(transactional_db: None) -> Iterator[None]:
    """Committed rows, the specimens' table, an empty broker; no worker."""
    with connection.cursor() as cursor:
        cursor.execute(specimens.EFFECTS)
        cursor.execute("TRUNCATE specimen_effect")
    broker = connect(settings.BROKER_URL)
    broker.flushdb()
    doorbell.reset()
    draining.reset()
    yield
    draining.reset()
    broker.close()


@pytest.fixture
def workers(engine: None) -> Iterator[Callable[..., Worker]]:
    """Starts workers that are ready when it returns, and stops them after the test."""
    started: list[Worker] = []

    def begin(**options: object) -> Worker:
        worker = Worker(**options)  # type: ignore[arg-type]
        started.append(worker)
        return worker.ready()

    yield begin
    for worker in started:
        worker.kill()
        print(worker.said())  # noqa: T201  shown by pytest when the test fails
        worker.log.unlink(missing_ok=True)


@pytest.fixture
def worker(workers: Callable[..., Worker]) -> Worker:
    return workers()


@pytest.fixture
def api(make_key: Callable[..., str]) -> Client:
    """A client of the API whose key has every scope."""
    return Client(headers={"X-API-Key": make_key()})
