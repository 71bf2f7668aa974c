from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import pydantic
import pytest
from django.conf import settings

from core.health.checks import Outcome
from services.probes.base import Status
from services.probes.postgres import PostgresProbe
from tests.waiting import until


@pytest.fixture
def server() -> dict[str, Any]:
    """The PostgreSQL of the tests, as a probe's configuration."""
    database = settings.DATABASES["default"]
    return {
        "host": database["HOST"],
        "port": int(database["PORT"]),
        "database": "postgres",
        "user": database["USER"],
        "password": database["PASSWORD"],
    }


@pytest.fixture
def session(server: dict[str, Any]) -> Iterator[psycopg.Connection]:
    """Somebody else's session."""
    renamed = {"dbname": server["database"], **{k: v for k, v in server.items() if k != "database"}}
    with psycopg.connect(**renamed) as connection:
        yield connection
        connection.rollback()


def test_it_tells_version_start_and_work(look, server):
    seen = look("postgres", **server)

    assert seen.outcome is Outcome.PASS
    assert seen.reason == ""
    assert seen.status is Status.RUNNING
    assert seen.version.split(".")[0].isdigit()
    assert seen.started_at < datetime.now(UTC)
    assert seen.requests_handled > 0
    assert seen.figures["max_connections"] == 300
    assert 0 < seen.figures["connections"] < 300
    assert seen.figures["size_bytes"] > 1_000_000
    assert seen.figures["replicas"] == 0


def test_more_connections_than_asked_for_degrade_it(look, server):
    seen = look("postgres", **server, max_connections_percent=0.1)

    assert seen.outcome is Outcome.WARNING
    assert "of 300 connections are in use" in seen.reason
    assert seen.figures["connections"] > 0


def test_a_long_transaction_degrades_it(look, server, session):
    session.execute("SELECT 1")

    def seen():
        found = look("postgres", **server, max_transaction_seconds=0.05)
        return found.outcome is Outcome.WARNING and found

    assert "a transaction has been open for" in until(seen).reason


def test_a_long_wait_for_a_lock_degrades_it(look, server, session):
    session.execute("SELECT pg_advisory_xact_lock(815)")
    other = dict(server)
    database = other.pop("database")

    def wait() -> None:
        with psycopg.connect(dbname=database, **other) as connection:
            connection.execute("SELECT pg_advisory_xact_lock(815)")

    waiting = threading.Thread(target=wait)
    waiting.start()

    def seen():
        found = look("postgres", **server, max_lock_wait_seconds=0.05)
        return found.figures["longest_lock_wait_seconds"] > 0.05 and found

    found = until(seen)
    session.rollback()
    waiting.join(10)
    assert found.outcome is Outcome.WARNING
    assert "for a lock" in found.reason
    assert found.figures["waiting_for_locks"] >= 1


def test_a_wrong_password_is_told_and_never_shown(look, server):
    seen = look("postgres", **{**server, "password": "wrong-one"})

    assert seen.outcome is Outcome.FAIL
    assert "password authentication failed" in seen.reason
    assert "wrong-one" not in seen.reason


def test_the_passwords_of_this_process_are_for_other_servers(look, server, monkeypatch):
    monkeypatch.setenv("PGPASSWORD", server["password"])

    seen = look("postgres", **{**server, "password": ""})

    assert seen.outcome is Outcome.FAIL
    assert "no password supplied" in seen.reason


def test_nobody_listening_is_told(look, server):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        seen = look("postgres", **{**server, "port": taken.getsockname()[1]})

    assert seen.outcome is Outcome.FAIL
    assert "Connection refused" in seen.reason


def test_a_server_that_says_nothing_is_given_up(look, server):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        seen = look("postgres", **{**server, "timeout": 0.2, "port": silent.getsockname()[1]})
        took = time.monotonic() - began

    assert seen.outcome is Outcome.FAIL
    assert "timeout" in seen.reason
    assert took < 4


def test_a_private_address_is_refused_unless_allowed(look, server, nothing_allowed):
    seen = look("postgres", **server)

    assert seen.outcome is Outcome.FAIL
    assert "outgoing.allowed_networks" in seen.reason


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"host": "/var/run/postgresql"}, "host"),
        ({"host": "one,two"}, "host"),
        ({"port": 0}, "port"),
        ({"user": ""}, "user"),
        ({"database": "a\0b"}, "database"),
        ({"sslmode": "maybe"}, "sslmode"),
        ({"options": "-c a=b"}, "options"),
        ({"sslmode": "verify-ca"}, ""),
    ],
)
def test_a_wrong_configuration_names_its_field(server, wrong, field):
    with pytest.raises(pydantic.ValidationError) as caught:
        PostgresProbe.Configuration.model_validate({**server, **wrong})

    assert [".".join(map(str, each["loc"])) for each in caught.value.errors()] == [field]


def test_a_name_can_hold_no_further_settings(look, server):
    seen = look("postgres", **{**server, "database": "postgres' sslmode='disable host=elsewhere"})

    assert seen.outcome is Outcome.FAIL
    assert "does not exist" in seen.reason
