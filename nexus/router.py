"""What serves a request: native live streams on the loop, everything else on threads.

Django's handler is synchronous, so it runs in thread pools behind `nexus.bridge`. Health and
status have a small pool of their own: they answer while every other thread hangs. They take
no body, so nobody can hold their places with uploads that never end.
"""

from __future__ import annotations

import asyncio

from django.db import connection

from core.config import loading
from core.processes import runtime
from nexus import beginning
from nexus.bridge import Application, Bridge, Receive, Scope, Send
from nexus.options import THREADS
from nexus.settings import SPARE_CONNECTIONS, STATIC_ROOT
from nexus.stack.parent import die_with_parent
from nexus.static_files import PREFIX, StaticFiles
from nexus.wsgi import application as django

VITAL_PATHS = ("/api/v1/health", "/api/v1/status", "/api/v1/components/health")
VITAL_THREADS = 4

vital = Bridge(django, threads=VITAL_THREADS, name="vital", body_bytes=0)
general = Bridge(django, threads=THREADS.value, name="web")
static = StaticFiles(STATIC_ROOT)


def lane(path: str) -> Application:
    """Which application serves `path`; a native one is a line here."""
    if path.startswith(VITAL_PATHS):
        return vital
    if path.startswith(PREFIX):
        return static
    return general


def begin() -> None:
    """What the parent of the web processes does before it forks them."""
    beginning.begin()
    # Neither its connections nor the threads of its pool come through the fork.
    connection.close_pool()  # type: ignore[attr-defined]


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """The router granian runs in each of its worker processes."""
    if scope["type"] == "http":
        await lane(scope["path"])(scope, receive, send)
    elif scope["type"] == "lifespan":
        await live(receive, send)
    else:
        await send({"type": "websocket.close", "code": 1000, "reason": ""})


def take_size() -> None:
    """As many threads as are configured, and connections to the database for all of them."""
    general.resize(THREADS.value)
    pool = connection.settings_dict["OPTIONS"]["pool"]
    pool["max_size"] = THREADS.value + SPARE_CONNECTIONS
    connection.pool.resize(pool["min_size"], pool["max_size"])  # type: ignore[attr-defined]


async def live(receive: Receive, send: Send) -> None:
    """Register this process when it starts, and let it say goodbye when it stops."""
    await receive()
    die_with_parent()
    await asyncio.to_thread(loading.attempt)
    await asyncio.to_thread(runtime.start, "web")
    take_size()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await asyncio.to_thread(runtime.stop)
    await send({"type": "lifespan.shutdown.complete"})
