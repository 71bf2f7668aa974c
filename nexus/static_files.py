"""Static files, compressed: the admin's stylesheet is 330 KB plain and 38 KB gzipped.

Each file is read and compressed when it is first asked for and kept. What `collectstatic`
named by its hash may be kept by browsers for a year, anything else is asked for again.
"""

from __future__ import annotations

import asyncio
import gzip
import mimetypes
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from nexus.bridge import Receive, Scope, Send

PREFIX = "/static/"
HASHED = re.compile(r"\.[0-9a-f]{12}\.\w+$")
COMPRESSIBLE = ("text/", "application/json", "application/javascript", "image/svg+xml")
FOREVER = b"public, max-age=31536000, immutable"
FILES_KEPT = 512

Headers = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class File:
    plain: bytes
    gzipped: bytes | None  # None where it would gain nothing
    headers: Headers


class StaticFiles:
    """An ASGI application that serves the files below `root`, and nothing outside it."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.load = lru_cache(maxsize=FILES_KEPT)(self._load)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] not in ("GET", "HEAD"):
            await _send(send, 405, ((b"allow", b"GET, HEAD"),), b"")
            return
        try:
            file = await asyncio.to_thread(self.load, scope["path"])
        except (OSError, ValueError):
            await _send(send, 404, ((b"content-type", b"text/plain"),), b"There is no such file.")
            return
        body, headers = file.plain, file.headers
        if file.gzipped is not None and accepts_gzip(scope):
            body, headers = file.gzipped, (*headers, (b"content-encoding", b"gzip"))
        await _send(send, 200, headers, body, head=scope["method"] == "HEAD")

    def _load(self, address: str) -> File:
        """Raises OSError for what isn't there, ValueError for what isn't below the root."""
        path = (self.root / address.removeprefix(PREFIX)).resolve()
        path.relative_to(self.root)
        plain = path.read_bytes()
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        gzipped = gzip.compress(plain, 9, mtime=0) if kind.startswith(COMPRESSIBLE) else None
        return File(
            plain=plain,
            gzipped=gzipped if gzipped and len(gzipped) < len(plain) else None,
            headers=(
                (b"content-type", kind.encode()),
                (b"cache-control", FOREVER if HASHED.search(path.name) else b"no-cache"),
                (b"vary", b"accept-encoding"),
                (b"x-content-type-options", b"nosniff"),
            ),
        )


def accepts_gzip(scope: Scope) -> bool:
    given = b",".join(value for name, value in scope["headers"] if name == b"accept-encoding")
    return any(
        each.partition(";")[0].strip() == "gzip" and not each.replace(" ", "").endswith(";q=0")
        for each in given.decode("latin-1").lower().split(",")
    )


async def _send(
    send: Send, status: int, headers: Headers, body: bytes, *, head: bool = False
) -> None:
    sized = (*headers, (b"content-length", str(len(body)).encode()))
    await send(
        {"type": "http.response.start", "status": status, "headers": sized, "trailers": False}
    )
    await send({"type": "http.response.body", "body": b"" if head else body, "more_body": False})
