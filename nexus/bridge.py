"""Django's WSGI handler as an ASGI application: one hop to a thread and back per request.

The body is read on the loop first, so a slow upload holds no thread; an answer that doesn't
stream goes back in one piece. A stream gets a thread of its own for its whole life, because
what it iterates over may hold a database connection, which belongs to one thread.
"""

from __future__ import annotations

import asyncio
import io
import sys
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from time import perf_counter
from typing import Any

from django.db import close_old_connections
from django.http import HttpResponse

from core import ids
from core.api import errors, request_id
from core.api.envelope import dumps
from core.metrics import middleware as metrics
from nexus.threads import Threads

Scope = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Coroutine[Any, Any, Message]]
Send = Callable[[Message], Coroutine[Any, Any, None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
Environ = dict[str, Any]
Handler = Callable[[Environ, Callable[..., Any]], Any]

BODY_BYTES = 8 * 1024 * 1024
BODY_SECONDS = 60.0
WAITING_PER_THREAD = 16


class Refused(Exception):
    """The request never reaches Django; the error envelope says why."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class Bridge:
    """Runs `handler` on `threads` threads of its own, whatever other lanes are doing.

    Requests beyond `threads` wait; beyond WAITING_PER_THREAD times as many they get a 503.
    A body longer than `body_bytes` gets a 413: with 0, no upload is ever waited for.
    """

    def __init__(
        self, handler: Handler, *, threads: int, name: str, body_bytes: int = BODY_BYTES
    ) -> None:
        self.handler = handler
        self.body_bytes = body_bytes
        self.name = name
        self.inside = 0
        self.resize(threads)

    def resize(self, threads: int) -> None:
        """Take so many threads; only before the first request."""
        self.threads = Threads(threads, self.name)
        self.limit = threads * (1 + WAITING_PER_THREAD)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = perf_counter()
        if self.inside >= self.limit:
            busy = Refused(503, "unavailable", "Too many requests wait; try again.")
            await refuse(send, busy, method=scope["method"], began=began)
            return
        self.inside += 1
        try:
            await self._serve(scope, receive, send)
        except Refused as refused:
            await refuse(send, refused, method=scope["method"], began=began)
        finally:
            self.inside -= 1

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await read_body(scope, receive, limit=self.body_bytes)
        answer = await self.threads.run(self._answer, environ(scope, body))
        status, headers, content = answer
        await send(
            {"type": "http.response.start", "status": status, "headers": headers, "trailers": False}
        )
        if isinstance(content, bytes):
            await send({"type": "http.response.body", "body": content, "more_body": False})
        else:
            await stream(content, receive, send)

    def _answer(self, variables: Environ) -> tuple[int, list[tuple[bytes, bytes]], Any]:
        started: list[Any] = []
        response = self.handler(variables, lambda *start: started.extend(start))
        status, headers = started[:2]
        lines = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        if response.streaming:
            close_old_connections()
            return int(status[:3]), lines, response
        try:
            content = b"".join(response)
        finally:
            response.close()
        if not response.has_header("Content-Length"):
            lines.append((b"content-length", str(len(content)).encode()))
        return int(status[:3]), lines, content


async def read_body(scope: Scope, receive: Receive, *, limit: int) -> bytes:
    """The whole body. Raises Refused when it is too much, too slow or breaks off."""
    headers = dict(scope["headers"])
    unsaid = b"0" if scope["http_version"].startswith("1.") or not limit else b""
    length = headers.get(b"content-length", unsaid)
    if length == b"0" and b"transfer-encoding" not in headers:
        return b""
    too_large = Refused(413, "too_large", f"The body is larger than {limit} bytes.")
    if not limit or (length.isdigit() and int(length) > limit):
        raise too_large
    chunks = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":  # or the body is malformed
                    raise Refused(400, "bad_request", "The body breaks off or is malformed.")
                chunks += message.get("body", b"")
                if len(chunks) > limit:
                    raise too_large
                if not message.get("more_body"):
                    return bytes(chunks)
    except TimeoutError:
        raise Refused(408, "request_timeout", f"The body took over {BODY_SECONDS:g} s.") from None


def environ(scope: Scope, body: bytes) -> Environ:
    """The WSGI environment of a request.

    Header names with an underscore are dropped: they would pass for the name with a hyphen.
    """
    server, client = scope["server"] or ("localhost", 80), scope["client"] or ("", 0)
    variables: Environ = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": scope["path"].encode().decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1]),
        "REMOTE_ADDR": client[0],
        "REMOTE_PORT": str(client[1]),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for raw, value in scope["headers"]:
        if b"_" in raw:
            continue
        name = "HTTP_" + raw.decode("latin-1").upper().replace("-", "_")
        text = value.decode("latin-1")
        if name in variables:
            text = variables[name] + ("; " if name == "HTTP_COOKIE" else ",") + text
        variables[name] = text
    variables["CONTENT_TYPE"] = variables.pop("HTTP_CONTENT_TYPE", "")
    variables["CONTENT_LENGTH"] = str(len(body))
    variables.pop("HTTP_CONTENT_LENGTH", None)
    return variables


async def stream(response: HttpResponse, receive: Receive, send: Send) -> None:
    """Send what `response` yields, at the client's pace, until the end or until it leaves."""
    loop = asyncio.get_running_loop()
    finished: asyncio.Future[None] = loop.create_future()
    left: asyncio.Task[Message] = loop.create_task(receive())

    def deliver(chunk: bytes, more: bool) -> None:
        message = {"type": "http.response.body", "body": chunk, "more_body": more}
        asyncio.run_coroutine_threadsafe(send(message), loop).result()

    def iterate() -> None:
        try:
            produce(response, deliver, stop=left.done)
        except BaseException as error:  # handed to the loop, which reports it
            loop.call_soon_threadsafe(finished.set_exception, error)
        else:
            loop.call_soon_threadsafe(finished.set_result, None)

    threading.Thread(target=iterate, name="stream", daemon=True).start()
    try:
        await finished
    finally:
        left.cancel()


def produce(
    response: HttpResponse, deliver: Callable[[bytes, bool], None], *, stop: Callable[[], bool]
) -> None:
    chunks: Iterable[bytes] = response
    try:
        for chunk in chunks:
            if stop():
                return
            deliver(chunk, True)
        deliver(b"", False)
    finally:
        response.close()


async def refuse(send: Send, refused: Refused, *, method: str, began: float) -> None:
    request_id.adopt(ids.external("req", ids.new()))
    metrics.refused(method, refused.status, perf_counter() - began, request_id.current())
    body = dumps(errors.document(refused.code, refused.message))
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (request_id.HEADER.lower().encode(), request_id.current().encode()),
        (b"retry-after", b"1"),
    ]
    await send(
        {
            "type": "http.response.start",
            "status": refused.status,
            "headers": headers,
            "trailers": False,
        }
    )
    await send({"type": "http.response.body", "body": body, "more_body": False})
