"""Which plugins are disabled is the same in every process, however each came to know it."""

from __future__ import annotations

import pytest
from django.db import OperationalError

from core.access.actor import SYSTEM
from core.config import operations as config
from core.processes import catching_up, control, loops
from plugins import following, operations, queries
from plugins.catalogue import catalogue
from plugins.models import PluginState
from plugins.plugin import State
from tests.plugins.making import only, write
from tests.processes.conftest import running, spawn  # noqa: F401
from tests.waiting import until

LOOP = """
    from core.processes import loops

    @loops.register("{section}.loop", roles={{"web"}}, interval=60.0)
    def turn():
        pass
"""


@pytest.fixture
def instance(spawn, directory, load):  # noqa: F811
    """Start processes that find the plugins of the test."""

    def start(role: str, *options: str):
        environment = {"NEXUS_DATA_DIR": str(directory.parent)}
        return spawn(role, *options, module="tests.plugins.program", **environment)

    load()
    return start


def checked_by() -> dict[int, bool]:
    """Whether each process, by pid, has the plugin's check."""
    told = control.broadcast("test.checks", {}, wait_seconds=10)
    return {each["pid"]: "sample.works" in each["checks"] for each in told.answers.values()}


def test_disabling_and_enabling_reaches_every_process(instance, directory, load):
    write(directory)
    load()
    web, worker, beat = instance("web"), instance("worker", "--fork"), instance("beat")
    for each in (web, worker, beat):
        each.registered()
    until(lambda: len(checked_by()) == 4, seconds=20)  # the worker has a child
    assert set(checked_by().values()) == {True}
    told = operations.disable(plugin_id="sample", actor=SYSTEM)
    assert (told["state"], told["unanswered"], told["restart_required"]) == ("disabled", [], False)
    assert list(checked_by().values()) == [False] * 4
    told = operations.enable(plugin_id="sample", actor=SYSTEM)
    assert (told["state"], told["unanswered"]) == ("active", [])
    assert list(checked_by().values()) == [True] * 4


def test_a_process_that_starts_later_does_not_load_a_disabled_one(instance, directory, load):
    write(directory)
    load()
    operations.disable(plugin_id="sample", actor=SYSTEM)
    web = instance("web")
    web.registered()
    assert checked_by() == {web.pid: False}
    operations.enable(plugin_id="sample", actor=SYSTEM)
    assert checked_by() == {web.pid: True}  # imported by the running process


def test_a_process_that_does_not_know_the_plugin_needs_a_restart(instance, directory, load):
    web = instance("web")
    web.registered()
    write(directory)
    load()
    told = operations.enable(plugin_id="sample", actor=SYSTEM)
    assert (told["state"], told["restart_required"], told["unanswered"]) == ("active", True, [])


def test_loops_begin_and_end_with_their_process_and_it_says_so(
    running,  # noqa: F811
    directory,
    load,
):
    write(directory, code=LOOP, permissions=("loops",))
    load(disabled={"sample"})
    PluginState.objects.create(id="sample", enabled=False, changed_by="test")
    running("web")
    told = operations.enable(plugin_id="sample", actor=SYSTEM)
    assert (told["state"], told["restart_required"]) == ("loaded", True)
    assert "restarts" in told["reason"]
    assert "sample.loop" not in loops.names()


def test_a_loop_that_runs_goes_on_until_the_restart_and_it_says_so(
    running,  # noqa: F811
    directory,
    load,
):
    write(directory, code=LOOP, permissions=("loops",))
    load()
    running("web")
    until(lambda: "sample.loop" in loops.names())
    assert only(catalogue).state == State.ACTIVE
    told = operations.disable(plugin_id="sample", actor=SYSTEM)
    assert (told["state"], told["restart_required"]) == ("disabled", True)
    told = operations.enable(plugin_id="sample", actor=SYSTEM)
    assert (told["state"], told["restart_required"]) == ("active", False)


@pytest.mark.django_db(transaction=True)
def test_what_a_process_missed_it_finds_by_looking(directory, load):
    write(directory)
    load()
    PluginState.objects.create(id="sample", enabled=False, changed_by="test")
    following.look()
    assert only(catalogue).state == State.DISABLED
    PluginState.objects.update(enabled=True)
    catching_up.registry.get("plugins.states")()
    assert only(catalogue).state == State.ACTIVE


@pytest.mark.django_db(transaction=True)
def test_at_its_start_a_process_asks_the_database_once(directory, load):
    write(directory, code="raise RuntimeError('imported')")
    PluginState.objects.create(id="sample", enabled=False, changed_by="test")
    following.load()
    assert only(catalogue).state == State.DISABLED


def test_loading_needs_no_database(directory, load, monkeypatch):
    def away():
        raise OperationalError("away")

    write(directory)
    monkeypatch.setattr(queries, "disabled", away)
    following.load()
    assert only(catalogue).state == State.ACTIVE
    with pytest.raises(OperationalError):  # so that it is tried again
        following.look()


@pytest.mark.django_db(transaction=True)
def test_what_is_configured_counts_from_the_next_start(instance, directory, load):
    write(directory)
    load()
    outcome = config.change(values={"plugins.auto_load": False}, actor=SYSTEM)
    assert outcome["restart_required"] is True
    web = instance("web")
    web.registered()
    assert checked_by() == {web.pid: False}


@pytest.mark.django_db(transaction=True)
def test_commands_that_cross_leave_what_the_rows_say(directory, load):
    for name in ("first", "second"):
        write(directory, name)
    load()
    PluginState.objects.create(id="first", enabled=False, changed_by="test")
    PluginState.objects.create(id="second", enabled=True, changed_by="test")
    following.disable({"id": "second"})  # said before it was enabled again
    assert {each.id: each.state for each in catalogue.all()} == {
        "first": State.DISABLED,
        "second": State.ACTIVE,
    }
    following.enable({"id": "first"})
    assert catalogue.get("first").state == State.DISABLED
