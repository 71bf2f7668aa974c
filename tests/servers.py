"""The pytest plugin that gives a test run its own PostgreSQL and Valkey, on free ports.

Loaded by `-p tests.servers` before Django's settings, so that these read its environment.
Workers of xdist inherit the environment and so share the servers; each has its own database,
in PostgreSQL and in the broker.
"""

from __future__ import annotations

import atexit
import base64
import os
import shutil
import socket
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from nexus.stack import binaries
from tests.waiting import until

DEADLINE_SECONDS = 30.0


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def start_postgres(folder: Path) -> tuple[subprocess.Popen[bytes], str]:
    """Start an unsafe-but-fast PostgreSQL in `folder`; returns it and its URL."""
    data = folder / "postgres"
    binaries.init_postgres(data, password="tests")
    port = free_port()
    options = {
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
        "max_connections": "300",
    }
    process = subprocess.Popen(
        binaries.postgres_command(data, port=port, options=options),
        stdout=(folder / "postgres.log").open("ab"),
        stderr=subprocess.STDOUT,
    )
    url = f"postgresql://nexus:tests@127.0.0.1:{port}/postgres"

    def answers() -> bool:
        if process.poll() is not None:
            raise RuntimeError((folder / "postgres.log").read_text())
        with suppress(psycopg.OperationalError):
            psycopg.connect(url, connect_timeout=2).close()
            return True
        return False

    until(answers, seconds=DEADLINE_SECONDS)
    return process, f"postgresql://nexus:tests@127.0.0.1:{port}/nexus"


def start_valkey(folder: Path, name: str) -> tuple[subprocess.Popen[bytes], str]:
    data = folder / name
    port = free_port()
    options = {"save": '""', "appendonly": "no"}
    binaries.write_valkey_configuration(data, port=port, password="tests", options=options)
    process = subprocess.Popen(
        binaries.valkey_command(data),
        stdout=(folder / f"{name}.log").open("ab"),
        stderr=subprocess.STDOUT,
    )
    return process, f"redis://:tests@127.0.0.1:{port}/0"


def start() -> dict[str, str]:
    """Start the servers, stop them at exit, return the environment of the test instance."""
    folder = Path(tempfile.mkdtemp(prefix="nexus-tests-"))
    (folder / "data").mkdir()
    postgres, database_url = start_postgres(folder)
    cache, cache_url = start_valkey(folder, "cache")
    broker, broker_url = start_valkey(folder, "broker")

    def stop() -> None:
        for process in (cache, broker, postgres):
            process.terminate()
        for process in (cache, broker, postgres):
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
        shutil.rmtree(folder, ignore_errors=True)

    atexit.register(stop)
    return {
        "DATABASE_URL": database_url,
        "CACHE_URL": cache_url,
        "BROKER_URL": broker_url,
        "NEXUS_SECRET_KEY": "tests-" * 8,
        "NEXUS_KEY_PEPPERS": "1:" + "pepper-of-tests-" * 3,
        "NEXUS_ENCRYPTION_KEYS": base64.urlsafe_b64encode(b"tests---" * 4).decode(),
        "NEXUS_DATA_DIR": str(folder / "data"),
        "NEXUS_ENVIRONMENT": "test",
        "NEXUS_ALLOWED_HOSTS": "testserver,localhost,127.0.0.1",
    }


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    if worker := os.environ.get("PYTEST_XDIST_WORKER"):  # gw0, gw1 and so on
        os.environ["BROKER_URL"] = f"{os.environ['BROKER_URL'][:-1]}{worker[2:]}"
        return
    for name in [name for name in os.environ if name.startswith("NEXUS_")]:
        del os.environ[name]
    os.environ.update(start())
