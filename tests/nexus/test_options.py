"""What the environment decides is shown as it is; where it is silent, the start follows options."""

from __future__ import annotations

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.db import connection

from core import options
from core.options import registry
from nexus import lifecycle, router, serve
from nexus.options import CONCURRENCY, THREADS, WORKERS

PRINT = """
import django
django.setup()
from core.options import registry
for key in ("server.workers", "server.threads", "tasks.concurrency", "logging.level"):
    option = registry.get(key)
    print(key, option.value, option.is_writable)
"""


@pytest.mark.parametrize(
    ("key", "setting"),
    [("host", "HOST"), ("database", "NAME"), ("user", "USER"), ("password", "PASSWORD")],
)
def test_the_database_shown_is_the_one_in_use(key, setting):
    configured = registry.get(f"database.{key}").value
    in_use = connection.settings_dict[setting]
    assert in_use in (configured, f"test_{configured}") or in_use.startswith(f"test_{configured}_")
    assert str(registry.get("database.port").value) == connection.settings_dict["PORT"]


def test_the_servers_shown_are_those_in_use():
    assert registry.get("cache.url").value == settings.CACHES["default"]["LOCATION"]
    assert registry.get("tasks.broker_url").value == settings.BROKER_URL
    assert registry.get("server.environment").value == settings.ENVIRONMENT
    assert set(registry.get("server.allowed_hosts").value) <= set(settings.ALLOWED_HOSTS)


@pytest.mark.parametrize("key", ["database.password", "cache.url", "tasks.broker_url"])
def test_what_holds_a_password_is_a_secret_and_not_to_be_changed(key):
    option = registry.get(key)
    assert (option.secret, option.is_writable) == (True, False)
    with options.replaced({key: "other"}):
        assert option.value != "other"


@pytest.mark.option("server.workers")
def test_the_web_server_starts_as_many_processes_as_configured():
    assert serve.server().workers == 2
    with options.replaced({"server.workers": 3}):
        assert serve.server().workers == 3
    assert WORKERS.restart == ("web",)


@pytest.fixture
def sized():
    """The router and the pool get their own sizes back."""
    yield
    router.take_size()


@pytest.mark.option("server.threads")
def test_a_web_process_takes_as_many_threads_as_configured_and_a_connection_for_each(sized):
    with options.replaced({"server.threads": 40}):
        router.take_size()
        assert router.general.threads.count == 40
        assert connection.pool.max_size == 48
        assert connection.settings_dict["OPTIONS"]["pool"]["max_size"] == 48
    assert THREADS.restart == ("web",)


@pytest.mark.option("tasks.concurrency")
@pytest.mark.parametrize(("said", "taken"), [(4, 9), (2, 2)])
def test_a_worker_runs_as_many_jobs_as_configured_unless_its_command_line_says(said, taken):
    worker = SimpleNamespace(concurrency=said)
    with options.replaced({"tasks.concurrency": 9}):
        lifecycle.take_size(sender=worker)
    assert worker.concurrency == taken
    assert CONCURRENCY.restart == ("worker",)


def test_what_a_variable_decides_can_not_be_changed_otherwise():
    given = {
        "NEXUS_WEB_WORKERS": "5",
        "NEXUS_WEB_THREADS": "6",
        "NEXUS_WORKER_CONCURRENCY": "7",
        "NEXUS_LOG_LEVEL": "warning",
        "DJANGO_SETTINGS_MODULE": "nexus.settings",
    }
    done = subprocess.run(
        [sys.executable, "-c", PRINT], env={**os.environ, **given}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "server.workers 5 False",
        "server.threads 6 False",
        "tasks.concurrency 7 False",
        "logging.level WARNING False",
    ]
