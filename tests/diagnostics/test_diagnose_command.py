"""`manage.py diagnose`."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from core.health.checks import Outcome
from nexus.env import BASE_DIR
from services.diagnostics import report
from services.diagnostics.models import DiagnosticResult
from tasks.models import Task
from tests.tasks.workers import environment

pytestmark = pytest.mark.django_db(transaction=True)


def diagnose(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", "diagnose", *arguments],
        cwd=BASE_DIR,
        env={**environment(), "COLUMNS": "160", **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_with_a_worker_it_follows_a_task(worker):
    done = diagnose("cache", "database")
    assert done.returncode == 0, done.stderr
    assert "pass cache connectivity" in done.stderr
    assert "connect_ms" in done.stdout
    assert Task.objects.filter(type="diagnostics.run", status="completed").count() == 1


def test_without_a_worker_it_runs_the_tests_itself_and_says_so(engine):
    done = diagnose("cache", "--json")
    assert done.returncode == 0, done.stderr
    assert "no worker is alive" in done.stderr
    document = json.loads(done.stdout)
    assert document["outcome"] == "pass"
    assert document["task_id"] is None
    assert DiagnosticResult.objects.get().component == "cache"


def test_without_a_database_it_tells_that_the_database_fails():
    gone = "postgresql://nexus:x@127.0.0.1:1/nexus"
    done = diagnose("database", "cache", "--json", DATABASE_URL=gone)
    assert done.returncode == 1, done.stderr
    database, cache = json.loads(done.stdout)["results"]
    assert database["tests"][0]["status"] == "fail"
    assert "refused" in database["tests"][0]["reason"]
    assert cache["tests"][0]["status"] == "pass"


def test_a_failed_test_is_exit_code_1(engine):
    done = diagnose("cache", CACHE_URL="redis://127.0.0.1:1/0")
    assert done.returncode == 1
    assert "fail cache connectivity" in done.stderr


@pytest.mark.parametrize("arguments", [["nonsense"], ["cache", "--test", "nonsense"]])
def test_an_unknown_name_is_exit_code_2_and_names_the_known(engine, arguments):
    done = diagnose(*arguments)
    assert done.returncode == 2
    assert "known: " in done.stderr


def test_what_a_test_found_is_printed_as_it_is():
    test = {
        "name": "connectivity",
        "status": Outcome.FAIL,
        "reason": "[red] is no colour here",
        "details": {"connect_ms": 1.5},
    }
    assert report.found(test) == "[red] is no colour here; connect_ms 1.5"
    assert r"\[red] is no colour here" in report.line("cache", test)
