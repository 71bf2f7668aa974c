"""`manage.py cache`."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from django.conf import settings

from core.access.models import AuditEntry
from tests.processes.spawning import ROOT, database_url

pytestmark = pytest.mark.django_db(transaction=True)


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return manage("cache", *arguments, **environment)


def manage(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={
            **os.environ,
            "DATABASE_URL": database_url(),
            "CACHE_URL": settings.CACHES["default"]["LOCATION"],
            **environment,
        },
        capture_output=True, text=True, check=False,
    )  # fmt: skip


FILL = "from django.core.cache import cache; cache.set_many({f'user:{n}': n for n in range(12)})"


@pytest.fixture
def filled(cache, one_server):
    """Twelve keys in the cache that the command sees, whose prefix is not that of the tests."""
    manage("shell", "-c", FILL)
    return one_server


def test_status(cache):
    done = run("status")
    assert done.returncode == 0, done.stderr
    assert "L1" in done.stdout
    assert "healthy" in done.stdout
    document = json.loads(run("status", "--json").stdout)
    assert [each["level"] for each in document["cache_levels"]] == ["L1", "L2"]


def test_a_dry_run_then_a_clear(filled):
    done = run("clear", "user:*", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "12 keys match" in done.stdout
    assert done.stdout.count("'user:") == 10
    assert len(filled.names()) == 12
    done = run("clear", "user:1*")
    assert "3 keys were deleted in L1 and L2" in done.stdout
    document = json.loads(run("clear", "--json").stdout)
    assert document["cleared_keys"] == 9
    assert filled.names() == []
    assert AuditEntry.objects.filter(action="cache.clear", actor_kind="command").count() == 2


def test_prefixes(filled):
    done = run("prefixes")
    assert done.returncode == 0, done.stderr
    assert "user:" in done.stdout
    assert json.loads(run("prefixes", "--json").stdout)["prefixes"][0]["keys"] == 12


@pytest.mark.parametrize("arguments", [["clear", "["], ["clear", "--level", "L3"]])
def test_wrong_usage_is_2(cache, arguments):
    done = run(*arguments)
    assert done.returncode == 2
    assert done.stderr
    assert "Traceback" not in done.stderr


def test_a_server_that_is_gone_is_5(db):
    done = run("clear", CACHE_URL="redis://127.0.0.1:1/0")
    assert done.returncode == 5
    assert "does not answer" in done.stderr


def test_a_database_that_is_gone_is_6(cache):
    done = run("status", DATABASE_URL="postgresql://nexus:x@127.0.0.1:1/nexus")
    assert done.returncode == 6
