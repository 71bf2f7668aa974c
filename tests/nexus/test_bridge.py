"""The bridge between ASGI and Django's handler, and the lanes of the router."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import orjson
from django.http import HttpResponse, StreamingHttpResponse

from nexus import bridge
from nexus.bridge import Bridge
from nexus.router import general, lane, vital
from tests.waiting import until

Message = dict[str, Any]


def serves(response: Callable[[dict[str, Any]], Any], **options: Any) -> Bridge:
    """A bridge to a handler that answers what `response` makes of the environ."""

    def handler(environ: dict[str, Any], start: Callable[..., Any]) -> Any:
        answer = response(environ)
        start(f"{answer.status_code} OK", list(answer.items()))
        return answer

    return Bridge(handler, threads=options.pop("threads", 2), name="test")


def scope(method: str = "GET", *headers: tuple[bytes, bytes], path: str = "/x") -> Any:
    return {
        "type": "http", "method": method, "path": path, "query_string": b"a=1", "scheme": "http",
        "http_version": "1.1", "headers": list(headers), "server": ("127.0.0.1", 80),
        "client": ("127.0.0.1", 1),
    }  # fmt: skip


def asked(app: Bridge, request: Any, *messages: Message) -> list[Message]:
    """Send one request and collect what comes back; the client stays connected."""
    sent: list[Message] = []

    async def run() -> None:
        waiting = list(messages)

        async def receive() -> Message:
            if waiting:
                return waiting.pop(0)
            return await asyncio.Future()

        async def send(message: Message) -> None:
            sent.append(message)

        await asyncio.wait_for(app(request, receive, send), 10)  # type: ignore[arg-type]

    asyncio.run(run())
    return sent


def body(data: bytes, more: bool = False) -> Message:
    return {"type": "http.request", "body": data, "more_body": more}


def test_an_answer_is_sent_in_one_piece_with_its_length() -> None:
    start, content = asked(serves(lambda environ: HttpResponse(b"hello")), scope())

    assert start["status"] == 200
    assert (b"content-length", b"5") in start["headers"]
    assert content == {"type": "http.response.body", "body": b"hello", "more_body": False}


def test_a_body_in_chunks_of_unknown_length_arrives_whole() -> None:
    echo = serves(lambda environ: HttpResponse(environ["wsgi.input"].read()))

    request = scope("POST", (b"transfer-encoding", b"chunked"))
    _, content = asked(echo, request, body(b"one ", more=True), body(b"two"))

    assert content["body"] == b"one two"


def test_header_names_with_an_underscore_are_dropped() -> None:
    shown = serves(lambda environ: HttpResponse(environ.get("HTTP_X_API_KEY", "none")))

    _, forged = asked(shown, scope("GET", (b"x_api_key", b"forged")))
    _, real = asked(shown, scope("GET", (b"x-api-key", b"real")))

    assert (forged["body"], real["body"]) == (b"none", b"real")


def test_a_body_that_is_too_large_is_refused_unread_with_the_error_envelope() -> None:
    length = str(bridge.BODY_BYTES + 1).encode()

    start, content = asked(serves(HttpResponse), scope("POST", (b"content-length", length)))

    document = orjson.loads(content["body"])
    assert start["status"] == 413
    assert document["error"]["code"] == "too_large"
    assert (b"x-request-id", document["error"]["request_id"].encode()) in start["headers"]


def test_a_body_that_outgrows_the_limit_without_saying_so_is_refused() -> None:
    part = body(b"x" * (bridge.BODY_BYTES // 2 + 1), more=True)

    start, _ = asked(serves(HttpResponse), scope("POST", (b"transfer-encoding", b"x")), part, part)

    assert start["status"] == 413


def test_a_client_that_leaves_during_its_upload_costs_no_thread() -> None:
    start, content = asked(
        serves(lambda environ: HttpResponse(b"reached")),
        scope("POST", (b"content-length", b"10")),
        {"type": "http.disconnect"},
    )

    assert start["status"] == 400
    assert b"reached" not in content["body"]


def test_a_stream_comes_chunk_by_chunk_from_one_thread_and_is_closed() -> None:
    threads: set[int] = set()
    closed = threading.Event()

    def chunks() -> Any:
        for number in range(3):
            threads.add(threading.get_ident())
            yield str(number)

    def answer(environ: dict[str, Any]) -> StreamingHttpResponse:
        response = StreamingHttpResponse(chunks())
        response._resource_closers.append(closed.set)
        return response

    sent = asked(serves(answer), scope())

    assert b"".join(message.get("body", b"") for message in sent) == b"012"
    assert len(threads) == 1
    assert closed.is_set()


def test_a_stream_ends_when_its_client_leaves() -> None:
    closed = threading.Event()

    def endless() -> Any:
        while True:
            yield b"x"

    def answer(environ: dict[str, Any]) -> StreamingHttpResponse:
        response = StreamingHttpResponse(endless())
        response._resource_closers.append(closed.set)
        return response

    asked(serves(answer), scope(), {"type": "http.disconnect"})

    assert closed.is_set()


def test_more_waiting_requests_than_the_lane_holds_get_503() -> None:
    release = threading.Event()

    def hang(environ: dict[str, Any]) -> HttpResponse:
        release.wait(10)
        return HttpResponse(b"late")

    app = serves(hang, threads=1)
    statuses: list[int] = []

    async def run() -> None:
        async def receive() -> Message:
            return await asyncio.Future()

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])

        tasks = [asyncio.ensure_future(app(scope(), receive, send)) for _ in range(app.limit + 3)]  # type: ignore[arg-type]
        await asyncio.sleep(0)
        await asyncio.to_thread(until, lambda: len(statuses) == 3)
        release.set()
        await asyncio.gather(*tasks)

    asyncio.run(run())

    assert statuses[:3] == [503] * 3
    assert statuses[3:] == [200] * app.limit


def test_health_and_status_have_a_lane_of_their_own() -> None:
    vitals = [
        "/api/v1/health",
        "/api/v1/health/live",
        "/api/v1/status/",
        "/api/v1/components/health",
    ]

    assert all(lane(path) is vital for path in vitals)
    assert lane("/api/v1/tasks") is lane("/admin/") is general
