"""An instance of its own for a benchmark: servers, database, key, web server; gone afterwards."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from benchmarks import cores
from tests import servers
from tests.waiting import until

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 60.0
# Requests are counted as ever, from a bucket that one client can't empty.
ENDLESS = "server.requests_per_minute=60000000"


@dataclass(frozen=True)
class Instance:
    """`environ` is what every process of the instance runs with; `key` has every scope."""

    environ: Mapping[str, str]
    key: str


def make() -> Instance:
    """Start the servers (they stop when this process exits), prepare the database, make a key."""
    environ = {
        **os.environ,
        **servers.start(),
        "DJANGO_SETTINGS_MODULE": "benchmarks.settings",
        "NEXUS_LOG_LEVEL": "WARNING",
    }
    lines = python(environ, "manage.py", "prepare", "--json", "--make-database").splitlines()
    told = {kind: text for line in lines for kind, text in json.loads(line).items()}
    python(environ, "manage.py", "config", "set", ENDLESS)
    return Instance(environ, told["key"])


def python(environ: Mapping[str, str], *arguments: str) -> str:
    """What `python ARGUMENT…` printed. Raises CalledProcessError when it fails."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT, env=dict(environ), stdout=subprocess.PIPE, text=True, check=True,
    ).stdout  # fmt: skip


@contextmanager
def served(environ: Mapping[str, str], *arguments: str, port: int, ready: str) -> Iterator[int]:
    """Run `python -m ARGUMENT…`, a web server on `port`; yields once `ready` (a path) answers."""
    with cores.pinned(cores.for_server()):
        process = subprocess.Popen([sys.executable, "-m", *arguments], cwd=ROOT, env=dict(environ))
    try:
        until(lambda: _answers(process, f"http://127.0.0.1:{port}{ready}"), seconds=START_SECONDS)
        yield port
    finally:
        process.terminate()
        process.wait(30)


def _answers(process: subprocess.Popen[bytes], url: str) -> bool:
    if process.poll() is not None:
        raise RuntimeError(f"the server ended with {process.returncode}")
    try:
        with urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (URLError, ConnectionError, TimeoutError):
        return False
