"""Workers, beat, broker and database may start in any order."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.db import connection

from core.valkey import connect
from tasks import doorbell, readiness
from tests.servers import free_port, start_valkey
from tests.tasks.workers import Worker, start, wait_for
from tests.waiting import until


def test_a_database_with_all_migrations_is_ready(engine):
    assert readiness.database_is_ready()


def test_a_database_that_lacks_a_migration_is_not(engine):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE django_migrations SET app = 'later' WHERE app = 'tasks'")
        try:
            assert not readiness.database_is_ready()
        finally:
            cursor.execute("UPDATE django_migrations SET app = 'tasks' WHERE app = 'later'")


def test_a_worker_waits_for_its_migrations(engine):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE django_migrations SET app = 'later' WHERE app = 'tasks'")
        worker = Worker()
        try:
            until(lambda: "waiting for the database" in worker.said(), seconds=30)
            cursor.execute("UPDATE django_migrations SET app = 'tasks' WHERE app = 'later'")
            worker.ready()
            wait_for(start("specimen.plain"), "completed")
        finally:
            cursor.execute("UPDATE django_migrations SET app = 'tasks' WHERE app = 'later'")
            worker.kill()


@pytest.fixture
def late_broker(engine, tmp_path, monkeypatch):
    """A function that starts the broker which workers were told of before."""
    port = free_port()
    monkeypatch.setattr("tests.servers.free_port", lambda: port)
    monkeypatch.setattr(settings, "BROKER_URL", f"redis://:tests@127.0.0.1:{port}/0")
    started = []

    def begin() -> None:
        process, url = start_valkey(tmp_path, "late")
        assert url == settings.BROKER_URL
        started.append(process)

    yield begin
    for process in started:
        process.kill()
        process.wait(10)


def test_a_worker_waits_for_its_broker(late_broker):
    worker = Worker()
    doorbell.trip()
    task = start("specimen.plain")
    try:
        until(lambda: "Connection refused" in worker.said(), seconds=30)
        late_broker()
        worker.ready()
        assert connect(settings.BROKER_URL).ping()
        wait_for(task, "completed")
    finally:
        worker.kill()
