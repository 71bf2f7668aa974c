"""`make up` and `make down`: starts, stops and accidents in between."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from nexus.stack import leftovers
from tests.stack import Stack
from tests.waiting import until


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """An instance that these tests may stop, start and damage."""
    stack = Stack(tmp_path_factory.mktemp("lifecycle") / "var", NEXUS_WEB_WORKERS="1")
    yield stack
    stack.run("down")


@pytest.fixture
def up(instance: Stack) -> Stack:
    """The same instance, running."""
    if instance.ended():
        instance.start()
    instance.healthy()
    return instance


@pytest.fixture
def stopped(instance: Stack) -> Stack:
    """The same instance, started once and stopped in order."""
    if not instance.folder.env.exists():
        instance.start()
    if not instance.ended():
        instance.end()
    return instance


pytestmark = pytest.mark.xdist_group("lifecycle")


def test_the_data_and_the_key_survive_a_stop_and_a_start(up: Stack) -> None:
    key = up.key
    before = up.kept

    assert up.end() == 0
    assert leftovers.supervisord(up.folder) is None
    up.start()

    assert up.client(key=key).get("/tasks").status_code == 200
    assert up.kept["DATABASE_URL"] == before["DATABASE_URL"]
    assert "shown once" not in up.said()


def test_down_stops_everything_from_another_terminal(up: Stack) -> None:
    processes = [psutil.Process(pid) for pid in up.pids().values()]

    done = up.run("down", seconds=90)

    assert done.returncode == 0, done.stderr
    until(up.ended)
    assert up.process and up.process.returncode == 0
    assert not any(process.is_running() for process in processes)


def test_down_says_when_nothing_runs(stopped: Stack) -> None:
    assert "Nothing runs" in stopped.run("down").stdout


def test_a_second_up_on_the_same_data_says_so_and_harms_nothing(up: Stack) -> None:
    done = up.run("up")

    assert done.returncode == 1
    assert "is running on" in done.stderr
    assert "make down" in done.stderr
    assert up.health() == 200


def test_up_takes_over_when_the_foreground_was_killed(up: Stack) -> None:
    assert up.process
    up.process.kill()
    up.process.wait()

    assert up.health() == 200, "the instance serves on without its terminal"
    up.start()

    assert "has been stopped" in up.said() or "is stopped" in up.said()
    up.healthy()


def test_down_stops_what_a_killed_foreground_left(up: Stack) -> None:
    assert up.process
    processes = [psutil.Process(pid) for pid in up.pids().values()]
    up.process.kill()
    up.process.wait()

    assert up.run("down", seconds=90).returncode == 0

    assert not any(process.is_running() for process in processes)


def test_ctrl_c_while_it_starts_stops_what_has_started(stopped: Stack) -> None:
    stopped.begin()
    until(lambda: "PostgreSQL" in stopped.said(), seconds=30)

    assert stopped.process
    stopped.process.send_signal(signal.SIGINT)

    assert stopped.process.wait(60) == 0
    assert leftovers.supervisord(stopped.folder) is None
    assert not list(leftovers.servers(stopped.folder))


def test_a_taken_port_is_named_with_a_free_one(stopped: Stack, up_elsewhere: int) -> None:
    stopped.environment["NEXUS_PORT"] = str(up_elsewhere)
    try:
        done = stopped.run("up")
    finally:
        stopped.environment["NEXUS_PORT"] = str(stopped.port)

    assert done.returncode == 1
    assert f"Port {up_elsewhere} is taken" in done.stderr
    assert "NEXUS_PORT=" in done.stderr
    assert "Traceback" not in done.stderr


def test_lost_secrets_are_made_anew_and_the_data_stays(stopped: Stack) -> None:
    stopped.start()
    old = stopped.key
    stopped.end()
    stopped.folder.env.unlink()

    stopped.start()

    assert "was gone, so the secrets are new" in stopped.said()
    assert stopped.key != old
    assert stopped.client(key=old).get("/status").status_code == 401
    assert stopped.client().get("/keys").json()["data"]["keys"]


def test_a_stale_pid_of_postgresql_does_not_keep_it_from_starting(stopped: Stack) -> None:
    pid_file = stopped.folder.postgres / "postmaster.pid"
    pid_file.write_text(f"{psutil.Process().pid}\n{stopped.folder.postgres}\n")
    (stopped.folder.run / "supervisord.pid").write_text("1")
    stopped.folder.socket.touch()

    stopped.start()

    stopped.healthy()


def test_a_half_deleted_cluster_is_left_alone_with_a_sentence(stopped: Stack) -> None:
    version = stopped.folder.postgres / "PG_VERSION"
    kept = version.read_bytes()
    version.unlink()
    try:
        done = stopped.run("up")
    finally:
        version.write_bytes(kept)

    assert done.returncode == 1
    assert "is not a whole PostgreSQL cluster" in done.stderr
    assert (stopped.folder.postgres / "base").is_dir()


@pytest.fixture
def up_elsewhere(tmp_path: Path) -> Iterator[int]:
    """A port on which another program listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]
