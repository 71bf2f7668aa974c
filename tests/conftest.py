"""Fixtures every test may use."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection

from core import options
from core.access import keys, operations, outage, sessions, usage
from core.access.actor import SYSTEM
from core.access.scopes import ALL_SCOPES
from core.health import queries, transitions
from core.health.board import board
from core.metrics.recorder import recorder
from core.processes import draining
from tests.stack import Stack, running

# The workers of xdist share a Valkey, and none may see what another's tests have cached.
settings.CACHES["default"]["KEY_PREFIX"] += os.environ.get("PYTEST_XDIST_WORKER", "")


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """A complete instance, started once for the session; see `tests.stack`."""
    with running() as instance:
        yield instance


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One worker of xdist runs every test that uses the shared instance."""
    for item in items:
        if "stack" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("stack"))


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker) -> None:
    """Let transactional tests empty the audit log, which the product never may."""
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE access_auditentry DISABLE TRIGGER access_audit_no_truncate")


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    """A process remembers keys, sessions, verdicts and options; a test must not see those of
    another, nor what another has left in the cache."""
    cache.clear()
    keys.forget()
    sessions.forget()
    usage.forget()
    outage.database.end()
    board.forget()
    queries.forget()
    transitions.forget()
    recorder.restart()
    draining.reset()
    with options.replaced({}):
        yield


@pytest.fixture
def make_key(db) -> Callable[..., str]:
    """Make an API key with the given scopes (all of them when none are given)."""

    def make(*scopes: str, **options) -> str:
        _, text = operations.create_key(
            name="test", scopes=scopes or ALL_SCOPES, actor=SYSTEM, **options
        )
        return text

    return make
