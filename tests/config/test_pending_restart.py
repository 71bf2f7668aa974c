"""Until a process is restarted it uses what it started with, and GET says so."""

from __future__ import annotations

import pytest

from core import options
from core.access.actor import SYSTEM
from core.config import operations, queries
from core.config.secrets import MASK
from core.processes.models import Process

pytestmark = pytest.mark.django_db


@pytest.fixture
def process():
    """A running process that started with a revision."""

    def make(role: str, started: int) -> Process:
        figures = {"config": {"revision": 99, "started": started}}
        return Process.objects.create(node="n", pid=1, role=role, version="1", figures=figures)

    return make


@pytest.fixture
def slow(declare):
    return declare("slow", restart=("web",), restart_reason="It is read once.")


def told(name: str = "slow") -> dict:
    return queries.sources(section="test")["test"][name]


def waits() -> tuple:
    return told()["pending_restart"], told()["running"], told()["waiting"]


def test_the_value_is_the_new_one_and_running_the_old_one(slow, process, change):
    process("web", 0)
    assert waits() == (False, 10, [])
    change({"test.slow": 20})
    assert told()["value"] == 20
    assert waits() == (True, 10, ["web"])
    assert queries.document(section="test") == {"test": {"slow": 20}}


def test_a_restarted_process_waits_no_more(slow, process, change):
    old = process("web", 0)
    change({"test.slow": 20})
    process("web", 1)
    assert waits() == (True, 10, ["web"])
    Process.objects.filter(pk=old.pk).update(stopped_at="2020-01-01T00:00:00Z")
    assert waits() == (False, 20, [])


def test_back_to_what_runs_needs_no_restart(slow, process, change):
    process("web", 0)
    change({"test.slow": 20})
    outcome = operations.rollback(number=0, actor=SYSTEM)
    assert outcome["restart_required"] is True  # for those who started in between
    assert waits() == (False, 10, [])


def test_running_is_what_counted_at_the_start_and_not_before_or_since(slow, process, change):
    change({"test.slow": 20})
    change({"test.slow": 30})
    process("web", 2)
    change({"test.slow": 40})
    change({"test.slow": 50})
    assert waits() == (True, 30, ["web"])


def test_other_roles_and_other_changes_do_not_matter(slow, share, process, change):
    process("worker", 0)
    change({"test.slow": 20})
    assert waits() == (False, 20, [])
    process("web", 1)
    change({"test.share": 20})
    assert waits() == (False, 20, [])
    assert told("share")["pending_restart"] is False


def test_a_process_that_started_without_its_database_runs_on_defaults(slow, process, change):
    change({"test.slow": 20})
    process("web", 0)
    assert waits() == (True, 10, ["web"])


def test_a_secret_that_waits_stays_masked(declare, process, change):
    declare("token", str, default="", secret=True, restart=("web",), restart_reason="Once.")
    process("web", 0)
    change({"test.token": "word"})
    shown = told("token")
    assert (shown["pending_restart"], shown["running"], shown["value"]) == (True, MASK, MASK)


def test_a_process_that_has_not_told_yet_is_no_error(slow, change):
    Process.objects.create(node="n", pid=1, role="web", version="1")
    change({"test.slow": 20})
    assert waits() == (False, 20, [])


def test_after_an_older_database_was_restored_nothing_is_made_up(slow, process, change):
    process("web", 40)
    change({"test.slow": 20})
    assert told()["pending_restart"] is False


def test_a_change_of_no_effect_needs_no_restart(declare, change):
    declare("slow", restart=("web",), restart_reason="It is read once.")
    change({"test.slow": 20})
    change({"test.slow": 10})
    assert change({"test.slow": None})["restart_required"] is False
    assert options.registry.get("test.slow").restart == ("web",)
