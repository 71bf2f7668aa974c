"""The programs of an instance: what supervisord runs, in which order, and how each stops."""

from __future__ import annotations

import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from nexus.env import BASE_DIR, Env
from nexus.stack import binaries
from nexus.stack.folder import DataFolder
from nexus.stack.kept import Kept

POSTGRES_OPTIONS = {
    "max_connections": "300",
    "shared_buffers": "128MB",
    "jit": "off",
    "log_timezone": "UTC",
    "timezone": "UTC",
}
VALKEY_OPTIONS: Mapping[str, Mapping[str, str]] = {
    "CACHE_URL": {
        "maxmemory": "512mb",
        "maxmemory-policy": "allkeys-lru",
        # A process that is frozen can't take the names of changed keys off the server's hands.
        "maxmemory-clients": "10%",
        "save": '""',
        "appendonly": "no",
    },
    "BROKER_URL": {
        "maxmemory-policy": "noeviction",
        "save": '""',
        "appendonly": "yes",
        "appendfsync": "everysec",
    },
}
BEHIND_THE_WEB = 5  # of niceness: a busy worker must not slow the answers of the API
VALKEY_NAMES = {"CACHE_URL": "cache", "BROKER_URL": "broker"}


@dataclass(frozen=True)
class Program:
    """One process under supervisord.

    Groups stop one after the other, the one with the highest priority first; the programs of
    a group stop together.
    """

    name: str
    command: list[str]
    group: str
    priority: int
    stop: signal.Signals = signal.SIGTERM
    stop_seconds: int = 10


def servers(folder: DataFolder, kept: Kept) -> list[Program]:
    """The embedded servers that this instance needs; writes their configuration."""
    programs = []
    if "DATABASE_URL" in kept.embedded:
        command = binaries.postgres_command(
            folder.postgres, port=kept.port("DATABASE_URL"), options=POSTGRES_OPTIONS
        )
        programs.append(Program("postgres", command, "postgres", 10, signal.SIGINT, 60))
    for variable, name in VALKEY_NAMES.items():
        if variable in kept.embedded:
            data = folder.path / name
            binaries.write_valkey_configuration(
                data,
                port=kept.port(variable),
                password=kept.password,
                options=VALKEY_OPTIONS[variable],
            )
            programs.append(Program(name, binaries.valkey_command(data), "valkey", 20))
    return programs


def own(env: Env) -> list[Program]:
    """Nexus itself: three programs that start and stop in any order."""
    return [
        Program("web", _own(["nexus.serve"]), "nexus", 30, stop_seconds=20),
        Program("worker", _own(worker(env), nice=BEHIND_THE_WEB), "nexus", 30, stop_seconds=60),
        Program("beat", _own(beat(), nice=BEHIND_THE_WEB), "nexus", 30),
    ]


def _own(arguments: list[str], *, nice: int = 0) -> list[str]:
    command = [sys.executable, "-m", *arguments]
    return binaries.launched(command, folder=BASE_DIR, nice=nice)


def worker(env: Env) -> list[str]:
    """Celery; its queues and settings are in `nexus.celery`."""
    return [
        "celery", "--app", "nexus", "worker",
        "--hostname", f"worker@{env.node}",
        "--without-mingle", "--without-gossip", "--without-heartbeat",
    ]  # fmt: skip


def beat() -> list[str]:
    """Celery beat; its schedule lives in the database."""
    return ["celery", "--app", "nexus", "beat", "--pidfile", ""]
