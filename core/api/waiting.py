"""How long a client waits for work that may outlast its request: RFC 7240 `Prefer`."""

from __future__ import annotations

import re
from typing import Annotated, Any

from django.http import HttpRequest
from pydantic import Field
from rest_framework.request import Request
from rest_framework.response import Response

from core import options

RETRY_SECONDS = 2
# Below the two minutes for which an Idempotency-Key is held for its first request.
LONGEST_WAIT = options.declare(
    "server.max_wait_seconds", Annotated[float, Field(ge=1, le=110)], default=60.0, unit="s",
    help="How long a request may wait for the work that it started, whatever its Prefer header"
    " asks for. Each one that waits keeps one of server.threads busy.",
)  # fmt: skip
_WAIT = re.compile(r'wait\s*=\s*"?(\d{1,9})"?', re.IGNORECASE)


def wait_seconds(request: Request | HttpRequest, *, default: float) -> float:
    """Seconds to wait for the work, at most as many as are configured.

    As the RFC says, preferences that are unknown or make no sense are ignored, the first of
    two equal ones counts, and `wait` beside `respond-async` says when to stop waiting.
    """
    limit = LONGEST_WAIT.value
    wait, respond_async = _preferences(request)
    if wait is not None:
        return min(float(wait), limit)
    return 0.0 if respond_async else min(default, limit)


def _preferences(request: Request | HttpRequest) -> tuple[int | None, bool]:
    wait, respond_async = None, False
    for part in request.META.get("HTTP_PREFER", "").split(","):
        preference = part.partition(";")[0].strip()
        if matched := _WAIT.fullmatch(preference):
            wait = int(matched[1]) if wait is None else wait
        elif preference.lower() == "respond-async":
            respond_async = True
    return wait, respond_async


def answer(
    document: dict[str, Any],
    *,
    finished: bool,
    task_id: str,
    location: str,
    status: int = 200,
    request: Request | None = None,
) -> Response:
    """The document when the work is done, else 202 with where to look and when.

    `location` is the task's address. `status` and no Location go with a finished one. With
    `request`, the response says which preference it followed.
    """
    headers = _applied(request, finished) if request is not None else {}
    if finished:
        return Response({**document, "task_id": task_id}, status=status, headers=headers)
    headers |= {"Location": location, "Retry-After": str(RETRY_SECONDS)}
    return Response({**document, "task_id": task_id}, status=202, headers=headers)


def _applied(request: Request, finished: bool) -> dict[str, str]:
    wait, respond_async = _preferences(request)
    applied = [f"wait={wait}"] if wait is not None else []
    if respond_async and not finished:
        applied.append("respond-async")
    return {"Preference-Applied": ", ".join(applied)} if applied else {}
