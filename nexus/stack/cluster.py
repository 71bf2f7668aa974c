"""PostgreSQL's data folder before it starts: make it, mend it, or say why neither is safe."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import psutil

from nexus.stack import binaries
from nexus.stack.errors import StackError

MAJOR = "18"


def make_ready(data: Path, *, password: str, renewed: bool) -> tuple[str, ...]:
    """Leave a whole cluster in `data`, made or mended; returns what the operator should know.

    `renewed`: the password is not the one the cluster was made with. Raises StackError
    instead of touching anything that might still hold somebody's data.
    """
    if not (data / "PG_VERSION").exists():
        _make(data, password=password)
        return ()
    found = (data / "PG_VERSION").read_text().strip()
    if found != MAJOR:
        raise StackError(
            f"{data} was made by PostgreSQL {found}, this is {MAJOR}: dump it with version "
            f"{found} and load it into a new one, or set DATABASE_URL to a server that runs it."
        )
    notices = _remove_stale_pid(data)
    if renewed:
        _set_password(data, password)
    return notices


def _make(data: Path, *, password: str) -> None:
    """Build beside `data` and rename, so that an interrupted initdb never looks like data."""
    if data.exists() and any(data.iterdir()):
        raise StackError(
            f"{data} is not a whole PostgreSQL cluster (PG_VERSION is missing): put it back from a "
            f"copy, or start with an empty database after `mv {data} {data}.damaged`."
        )
    staged = data.with_name("postgres.new")
    if staged.exists():
        shutil.rmtree(staged)
    binaries.init_postgres(staged, password=password)
    if data.exists():
        data.rmdir()
    staged.rename(data)


def _remove_stale_pid(data: Path) -> tuple[str, ...]:
    """PostgreSQL won't start while the number in its pid file belongs to any program."""
    path = data / "postmaster.pid"
    try:
        pid = int(path.read_text().split("\n", 1)[0])
        alive = "postgres" in psutil.Process(pid).name()
    except FileNotFoundError:
        return ()
    except (ValueError, psutil.NoSuchProcess):
        alive = False
    if alive:
        return ()
    path.unlink()
    return ("PostgreSQL had not been stopped in order; it recovers from its log now.",)


def _set_password(data: Path, password: str) -> None:
    """Without the old one: PostgreSQL in single-user mode asks for none."""
    user = binaries.unprivileged_user(data)
    folder = "/proc/self/cwd" if user else os.fspath(data)
    command = [str(binaries.postgres_program("postgres")), "--single", "-D", folder, "postgres"]
    done = subprocess.run(
        binaries.launched(command, folder=data, user=user),
        input=f"ALTER USER nexus PASSWORD '{password}';\n",
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0 or "ERROR" in done.stderr:
        raise StackError(
            f"nexus.env is gone, and PostgreSQL in {data} can't be given a new password: "
            f"{done.stderr.strip()}"
        )
