"""`manage.py plugin`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import partial

import pytest

from core.access.models import AuditEntry
from plugins.plugin import State
from tests.commands import manage
from tests.plugins.making import ROOT, only, write


@pytest.fixture
def run():
    return partial(manage, "plugin")


def test_the_list_tells_states_and_reasons(run, directory, load):
    write(directory)
    write(directory, "broken", code="raise RuntimeError('no [bold]luck')")
    load()
    ran = run("list")
    assert ran.code == 0
    assert "active" in ran.out
    assert "no [bold]luck" in ran.out
    listed = json.loads(run("list", "--json").out)
    assert [(each["id"], each["state"]) for each in listed] == [
        ("broken", "failed"), ("sample", "active")
    ]  # fmt: skip


def test_an_empty_list_says_where_it_looked(run, directory, load):
    load()
    assert str(directory) in run("list").out


def test_show_tells_everything_and_the_traceback(run, directory, load):
    write(directory, code="raise RuntimeError('no luck')")
    load()
    ran = run("show", "sample")
    assert "RuntimeError: no luck" in ran.out
    assert "Traceback" in ran.out
    assert json.loads(run("show", "sample", "--json").out)["files"]["intact"] is True


def test_an_unknown_one_is_exit_code_4(run, load):
    load()
    assert run("show", "nobody").code == 4


@pytest.mark.django_db(transaction=True)
def test_enable_and_disable_say_what_came_of_it(run, directory, load):
    write(directory)
    loaded = load()
    ran = run("disable", "sample")
    assert (ran.code, ran.out.strip()) == (
        0, "sample is disabled: an operator has disabled it."
    )  # fmt: skip
    assert only(loaded).state == State.DISABLED
    assert json.loads(run("enable", "sample", "--json").out)["state"] == "active"
    assert AuditEntry.objects.filter(target="sample", actor_kind="command").count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_refusal_is_exit_code_5(run, directory, load):
    write(directory)
    write(directory, "needy", more='[dependencies]\nsample = ">=1"\n')
    load()
    ran = run("disable", "sample")
    assert (ran.code, "needy" in ran.err) == (5, True)


def test_new_writes_a_plugin_that_is_loaded(run, directory, load):
    ran = run("new", "my-disk")
    assert ran.code == 0
    plugin = only(load())
    assert (plugin.id, plugin.state, plugin.reason) == ("my-disk", State.ACTIVE, None)
    assert {each.name for each in plugin.registered} >= {"my_disk.path", "my_disk.free_space"}


def test_the_test_of_a_new_plugin_passes(run, directory):
    folder = json.loads(run("new", "my-disk", "--into", directory, "--json").out)["folder"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-c", "pyproject.toml", f"{folder}/tests"],
        cwd=ROOT,
        env={**os.environ, "PYTEST_XDIST_WORKER": "gw0"},  # on the servers of this run
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "2 passed" in done.stdout, done.stdout + done.stderr


def test_new_overwrites_nothing(run, directory):
    folder = write(directory, "mine")
    before = (folder / "plugin.py").read_text()
    ran = run("new", "mine", "--into", directory)
    assert (ran.code, "exists already" in ran.err) == (5, True)
    assert (folder / "plugin.py").read_text() == before


@pytest.mark.parametrize("name", ["", "My Plugin", "../up", "a_b", "a--b", "1a", "a" * 60, "ä"])
def test_new_takes_only_what_can_be_an_id(run, directory, name):
    ran = run("new", name, "--into", directory)
    assert ran.code == 2
    assert list(directory.iterdir()) == []


def test_seal_and_verify(run, directory):
    folder = write(directory, seal=False)
    assert run("verify", folder).code == 1
    assert run("seal", folder).code == 0
    assert run("verify", folder).code == 0
    (folder / "plugin.py").write_text("")
    ran = run("verify", folder, "--json")
    assert (ran.code, json.loads(ran.out)["problems"]) == (1, ["plugin.py has changed"])


def test_what_can_not_be_sealed_says_why(run, directory, tmp_path):
    assert run("seal", tmp_path / "nowhere").code == 5
    folder = write(directory)
    (folder / "plugin.toml").write_text("no")
    ran = run("seal", folder)
    assert (ran.code, "is not TOML" in ran.err) == (2, True)
