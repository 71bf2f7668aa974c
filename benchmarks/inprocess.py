"""What a request costs inside the process: Django's handler called as the web server calls it.

Run by benchmarks.api in a process of its own, after django.setup(). Prints one JSON document.
"""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from django.db import connection
from django.test import RequestFactory

from benchmarks.harness import Comparison, compare, microseconds_per_call
from benchmarks.peers import HAS_PROMETHEUS
from core.access.authentication import ActorAuthentication
from core.processes import runtime
from nexus.wsgi import application

SLICE_SECONDS = 0.1


def main() -> None:
    key, rounds = os.environ["BENCHMARK_KEY"], int(os.environ["BENCHMARK_ROUNDS"])
    runtime.start("web")
    subjects = {
        "bare": partial(get, "/peer/bare"),
        "bare-status": partial(get, "/peer/bare-status"),
        "drf": partial(get, "/peer/drf"),
        "drf-usual": partial(get, "/peer/drf-usual"),
        "health": partial(get, "/api/v1/health"),
        "status": partial(get, "/api/v1/status", HTTP_X_API_KEY=key),
        "authentication": authentication(key),
    }
    comparison = measure(subjects, rounds)
    document = {
        "costs": {name: comparison.median(name) for name in subjects},
        "ratios": {name: comparison.ratio(name, "bare") for name in subjects},
        "queries": {name: queries(call) for name, call in subjects.items()},
        "prometheus": HAS_PROMETHEUS,
    }
    runtime.stop()
    json.dump(document, sys.stdout)


def measure(subjects: dict[str, Callable[[], object]], rounds: int) -> Comparison:
    slices = {
        name: partial(microseconds_per_call, call, seconds=SLICE_SECONDS)
        for name, call in subjects.items()
    }
    return compare(slices, rounds=rounds)


def get(path: str, **headers: str) -> bytes:
    """One GET through the WSGI handler. Raises RuntimeError when the answer is not a 200."""
    status: list[Any] = []
    response = application(environ(path, headers), lambda *start: status.extend(start))
    body = b"".join(response)
    response.close()
    if not status[0].startswith("200"):
        raise RuntimeError(f"{path}: {status[0]} {body[:300]!r}")
    return body


def environ(path: str, headers: dict[str, str]) -> dict[str, Any]:
    return {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "127.0.0.1:8000",
        "CONTENT_TYPE": "",
        "CONTENT_LENGTH": "0",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        **headers,
    }


def authentication(key: str) -> Callable[[], object]:
    """The authentication of a key that this process knows already."""
    request = RequestFactory().get("/api/v1/status", headers={"X-API-Key": key})
    authenticator = ActorAuthentication()
    return lambda: authenticator.authenticate(request)


def queries(call: Callable[[], object]) -> int:
    """How many database queries one call makes."""
    made: list[str] = []

    def count(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        made.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(count):
        call()
    return len(made)
