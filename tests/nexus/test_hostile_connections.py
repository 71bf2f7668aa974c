"""Connections that no honest client opens: the instance refuses them and serves on."""

from __future__ import annotations

import json
import socket
from contextlib import ExitStack

import pytest

from tests.stack import Stack

DIAGNOSTICS = "/api/v1/components/diagnostics"
HEALTH = "/api/v1/health"


def connect(stack: Stack) -> socket.socket:
    return socket.create_connection(("127.0.0.1", stack.port), timeout=10)


def ask(stack: Stack, request: bytes) -> tuple[int, bytes]:
    """The status and the body of the answer to raw bytes, whose connection then closes."""
    with connect(stack) as connection:
        connection.sendall(request)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    return int(head.split()[1]), body


def post(stack: Stack, *headers: str, body: bytes = b"") -> bytes:
    lines = [
        f"POST {DIAGNOSTICS} HTTP/1.1", "Host: localhost", f"X-API-Key: {stack.key}",
        "Content-Type: application/json", "Connection: close", *headers, "", "",
    ]  # fmt: skip
    return "\r\n".join(lines).encode() + body


@pytest.mark.parametrize(
    "body", [b"zz\r\n{}\r\n0\r\n\r\n", b"5\r\n{}  \r\n0\r\n\r\n"], ids=["no length", "wrong length"]
)
def test_a_malformed_chunked_body_is_the_clients_fault(stack: Stack, body: bytes):
    status, answer = ask(stack, post(stack, "Transfer-Encoding: chunked", body=body))
    assert status == 400
    assert not answer or json.loads(answer)["error"]["code"] == "bad_request"


@pytest.mark.parametrize(
    "headers", [["Content-Length: -1"], ["Content-Length: 2", "Content-Length: 3"]], ids=str
)
def test_a_length_that_makes_no_sense_is_refused(stack: Stack, headers: list[str]):
    assert ask(stack, post(stack, *headers, body=b"{}"))[0] == 400


def test_a_body_announced_as_too_large_is_refused_before_it_comes(stack: Stack):
    assert ask(stack, post(stack, "Content-Length: 99999999999"))[0] == 413


def test_a_forged_header_name_is_not_taken_for_a_key(stack: Stack):
    request = f"GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\nX_API_Key: {stack.key}\r\n"
    assert ask(stack, (request + "Connection: close\r\n\r\n").encode())[0] == 401


@pytest.mark.parametrize(
    "request_head",
    [
        f"GET {HEALTH} HTTP/1.0\r\n",
        f"GET {HEALTH} HTTP/1.1\r\nHost: 10.2.3.4:8000\r\nConnection: close\r\n",
        f"GET {HEALTH}/live HTTP/1.1\r\nHost: balancer.example\r\nConnection: close\r\n",
    ],
)
def test_a_load_balancer_asks_for_health_by_any_name(stack: Stack, request_head: str):
    status, answer = ask(stack, (request_head + "\r\n").encode())
    assert (status, json.loads(answer)["status"]) == (200, "ok")


def test_everything_else_answers_to_its_own_names_only(stack: Stack):
    request = "GET /api/v1/status HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"
    status, answer = ask(stack, request.encode())
    assert (status, json.loads(answer)["error"]["code"]) == (400, "bad_request")


@pytest.mark.parametrize("path", [HEALTH, "/api/v1/status", DIAGNOSTICS])
def test_uploads_that_never_end_do_not_keep_health_from_answering(stack: Stack, path: str):
    start = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{{"
    with ExitStack() as uploads, stack.client() as client:
        for _ in range(300):
            uploads.enter_context(connect(stack)).sendall(start.encode())
        for _ in range(10):
            assert client.get("/health").status_code == 200
            assert client.get("/status").status_code == 200
    stack.healthy()
