"""Real Celery workers of an operator's application, and the supervisor that keeps one up."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from core.valkey import connect
from tests.waiting import until

WORKER = "one@fleet"


def free_broker() -> str:
    """A database of the tests' broker that nothing else uses: workers of xdist have the first
    ones, by their number."""
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    return re.sub(r"/\d+$", f"/{15 - number}", settings.BROKER_URL)


@contextmanager
def supervised(folder: Path, *, broker_url: str) -> Iterator[None]:
    """A worker that is started anew whenever it ends, and answers when the block begins."""
    log = folder / "worker.log"
    over = threading.Event()
    running: list[subprocess.Popen[bytes]] = []

    def supervise() -> None:
        while not over.is_set():
            with log.open("ab") as file:
                running.append(_worker(broker_url, file.fileno()))
            running[-1].wait()

    thread = threading.Thread(target=supervise)
    connect(broker_url).flushdb()
    thread.start()
    try:
        until(lambda: log.exists() and b" ready." in log.read_bytes(), seconds=30)
        yield
    finally:
        over.set()
        running[-1].kill()
        thread.join(10)


def _worker(broker_url: str, log: int) -> subprocess.Popen[bytes]:
    arguments = ["-n", WORKER, "-c", "3", "-l", "INFO", "--without-gossip", "--without-mingle"]
    return subprocess.Popen(
        [sys.executable, "-m", "celery", "-A", "tests.services.fleet", "worker", *arguments],
        # Not that of the tests: Celery would take up their Django.
        env={"PATH": os.environ["PATH"], "FLEET_BROKER_URL": broker_url},
        stdout=log,
        stderr=log,
        start_new_session=True,
    )
