"""`python -m nexus.serve`: granian with the ASGI application.

The application is loaded before the workers are forked: they share its memory and start,
or come back after a crash, in milliseconds instead of seconds.
"""

from __future__ import annotations

import gc
import multiprocessing
import sys
from typing import Any

from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server.common import AbstractServer

from nexus import asgi, web_server
from nexus.options import WORKERS
from nexus.settings import env

BACKLOG = 2048
WAITING_PER_WORKER = 1024  # more than the lanes hold, so that the vital one is never cut off
STOP_SECONDS = 15


def main() -> None:
    """Serve until SIGTERM or SIGINT; a worker that dies is replaced."""
    asgi.begin()
    if sys.platform == "linux":
        multiprocessing.set_start_method("fork")
    granian = server()
    web_server.begin(workers=granian.workers)
    gc.freeze()
    granian.serve(target_loader=lambda _: asgi.application)


def server() -> AbstractServer[Any]:
    """The server as it is configured now."""
    return Granian(
        "nexus.asgi:application",
        address=env.host,
        port=env.port,
        interface=Interfaces.ASGI,
        workers=WORKERS.value,
        backlog=BACKLOG,
        backpressure=WAITING_PER_WORKER,
        respawn_failed_workers=True,
        workers_kill_timeout=STOP_SECONDS,
        websockets=False,
        log_level=LogLevels.warning,
    )


if __name__ == "__main__":
    main()
