"""The web server: granian's main process, and the web processes that it forks."""

from __future__ import annotations

import os
import signal
from dataclasses import asdict, dataclass
from typing import Any

from core import options
from core.processes import figures, restarting
from core.processes.restarting import NotSupervised

FIGURE = "web_server"


@dataclass(frozen=True, slots=True)
class WebServer:
    """`workers` is how many web processes it keeps running."""

    pid: int
    workers: int


_server: WebServer | None = None
_began_with: dict[str, Any] = {}


def begin(*, workers: int) -> None:
    """This process is about to fork web processes."""
    global _server
    _server = WebServer(os.getpid(), workers)
    _began_with.update(_needing_restart())


def _needing_restart() -> dict[str, Any]:
    """The options that web processes take over when they start, or from the server."""
    return {each.key: each.value for each in options.registry if "web" in each.restart}


def here() -> WebServer | None:
    """The server that this web process belongs to; None in any other process."""
    return _server if _server and _server.pid == os.getppid() else None


@figures.register(FIGURE)
def told() -> dict[str, Any]:
    server = here()
    return asdict(server) if server else {}


@restarting.ways.register("web")
def replace() -> None:
    """Have the server replace its web processes, each once the new one runs: it stays reachable.

    When options have changed that only a new server takes over, it is the server that ends and
    is started again: that takes seconds. Raises NotSupervised when nobody would start it again,
    and in a process that no such server has forked.
    """
    server = here()
    if server is None:
        raise NotSupervised("It was not forked by nexus.serve: restart it where it was started.")
    if _needing_restart() == _began_with:
        os.kill(server.pid, signal.SIGHUP)
    else:
        restarting.end_soon(server.pid)
