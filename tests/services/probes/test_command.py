"""The command probe runs what the administrator lists, and reads it as a Nagios plugin."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from django.test import override_settings

from core.errors import InvalidInput
from core.health.checks import Outcome
from services.probes.base import Status
from services.registry import definitions
from tests.services.listing import Scripts, listed
from tests.waiting import until


@pytest.fixture
def commands(tmp_path) -> Iterator[Scripts]:
    with listed(tmp_path) as add:
        yield add


@pytest.fixture
def file(tmp_path, commands) -> Path:
    return tmp_path / "commands.yaml"


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(0, Outcome.PASS), (1, Outcome.WARNING), (2, Outcome.FAIL), (3, Outcome.FAIL)],
)
def test_its_exit_status_is_the_outcome_and_what_it_says_the_reason(
    look, commands, status, outcome
):
    commands(check=f"echo 'SMTP says hello | time=0.5s'; echo more; exit {status}")

    seen = look("command", command="check")

    assert (seen.outcome, seen.reason) == (outcome, "SMTP says hello")
    assert seen.status is (Status.UNKNOWN if status == 3 else None)


def test_performance_data_become_figures_named_with_their_units(look, commands):
    first = "OK | time=0.25s;1;2;0;10 'free space'=93%;20:;10: users=4 in=123456c used=12B"
    more = "more | 'it''s'=7MB;; rta=-1.5ms bad=U x=1.2.3"
    commands(check=f'echo "{first}"; echo "long text"; echo "{more}"')

    assert look("command", command="check").figures == {
        "time_seconds": 0.25,
        "free space_percent": 93,
        "users": 4,
        "in": 123456,
        "used_bytes": 12,
        "it's_mb": 7,
        "rta_ms": -1.5,
    }


def test_any_other_exit_status_is_a_failure_with_what_it_complained_of(look, commands):
    commands(check="echo 'no such host' >&2; exit 127", killed="kill -9 $$")

    assert look("command", command="check").reason == "It exited with status 127: no such host"
    killed = look("command", command="killed")
    assert (killed.outcome, killed.reason) == (Outcome.FAIL, "It was killed by signal 9")


def test_one_that_does_not_end_is_killed_with_all_that_it_started(look, commands, tmp_path):
    commands(check=f"sleep 600 & echo $! > {tmp_path}/child; trap '' TERM; wait; sleep 600")

    began = time.monotonic()
    seen = look("command", command="check", timeout=0.5)

    assert time.monotonic() - began < 3.0
    assert (seen.outcome, seen.status) == (Outcome.FAIL, Status.UNKNOWN)
    assert seen.reason == "/bin/sh did not end in time."
    child = int((tmp_path / "child").read_text())
    until(lambda: not _runs(child))


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_daemon_that_it_leaves_behind_delays_nothing(look, commands, tmp_path):
    commands(check=f"sleep 600 & echo $! > {tmp_path}/child; echo started")
    try:
        began = time.monotonic()
        assert look("command", command="check").reason == "started"
        assert time.monotonic() - began < 3.0
    finally:
        os.kill(int((tmp_path / "child").read_text()), 9)


def test_endless_output_costs_no_memory(look, commands):
    commands(check="yes '| figure=1' | head -c 50000000")
    before = psutil.Process().memory_info().rss

    seen = look("command", command="check")

    assert seen.outcome is Outcome.PASS
    assert psutil.Process().memory_info().rss - before < 20_000_000


def test_output_that_is_no_text_is_made_some(look, commands):
    commands(check=r"printf 'a\000\377b\n'")
    assert look("command", command="check").reason == "a��b"


def test_it_gets_neither_secrets_of_the_instance_nor_standard_input(look, commands, monkeypatch):
    monkeypatch.setenv("NEXUS_SECRET_OF_TEST", "hunter2")
    commands(check='cat; echo "secret=$NEXUS_SECRET_OF_TEST for $NEXUS_SERVICE in $PWD"')
    assert look("command", command="check").reason == "secret= for shop in /"


def test_the_list_is_read_at_each_look(look, commands):
    commands(check="exit 0")
    assert look("command", command="check").outcome is Outcome.PASS
    commands(check="exit 2")
    assert look("command", command="check").outcome is Outcome.FAIL


def test_a_command_that_is_not_listed_is_not_run(look, commands):
    seen = look("command", command="rm")
    assert (seen.outcome, seen.status) == (Outcome.FAIL, Status.UNKNOWN)
    assert seen.reason.startswith("There is no command 'rm' in")


def test_without_a_list_nothing_is_run(look):
    with override_settings(COMMANDS_FILE=None):
        assert "NEXUS_COMMANDS_FILE" in look("command", command="check").reason


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("check: [", "expected the node content, but found '<stream end>' in line 1"),
        ("check: \1", "it is no YAML"),
        pytest.param("[" * 5_000, "it is no YAML", id="nested"),
        ("- check", "valid dictionary"),
        ("check: /bin/true", "check: Input should be a valid list"),
        ("check: []", "check: List should have at least 1 item"),
        ("check: [/bin/true, 5]", "check.1: Input should be a valid string"),
        ('check: [/bin/true, "a\\0"]', "check.1: String should match"),
        ("check: [true]", "check.0"),
        ("check: [sh]", "check: its program must be an absolute path"),
        ("Check it: [/bin/true]", "Check it"),
        pytest.param("#" * 300_000, "more than 262,144 bytes", id="huge"),
        ("check: [/no/such/program]", "/no/such/program can't be run: No such file or directory"),
        ("check: [/etc/passwd]", "/etc/passwd can't be run: Permission denied"),
    ],
)
def test_a_list_that_can_not_be_used_is_told_with_what_is_wrong(look, file, content, complaint):
    file.write_text(content)
    seen = look("command", command="check")
    assert seen.outcome is Outcome.FAIL
    assert complaint in seen.reason


@pytest.mark.parametrize("mode", [0o664, 0o646])
def test_a_list_that_others_can_write_to_is_not_used(look, commands, file, mode):
    commands(check="exit 0")
    file.chmod(mode)
    assert "chmod go-w" in look("command", command="check").reason


def test_what_is_no_file_is_not_waited_for(look, file):
    file.unlink()
    assert "No such file" in look("command", command="check").reason
    os.mkfifo(file)
    assert "is no file" in look("command", command="check").reason


@pytest.mark.parametrize(
    "given", [{}, {"command": ["/bin/sh"]}, {"command": "/bin/sh"}, {"command": 5}]
)
def test_a_command_can_only_be_named(given):
    document = {"name": "web", "type": "app", "probe": {"type": "command", **given}}
    with pytest.raises(InvalidInput) as refused:
        definitions.check(document)
    assert refused.value.details[0].field == "probe.command"
