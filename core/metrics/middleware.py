"""Counts every request and how long it took.

First in MIDDLEWARE, so that it sees the API and the admin alike, with all that the others add.
Static files don't come this far; what the web server refuses by itself is counted by `refused`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from time import perf_counter
from typing import cast

from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import ResolverMatch

from core.api.request_id import HEADER
from core.metrics.recorder import OTHER, Cell, recorder
from core.metrics.standard import REQUEST_DURATION, REQUEST_ERRORS, SERVER_ERRORS

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"})
DURATION = REQUEST_DURATION.name
UNMATCHED = "(unmatched)"
REFUSED = "(refused)"


class RequestMetrics:
    """Labels have few values each: the route is the template of the address, not the address."""

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        began = perf_counter()
        try:
            response = self.get_response(request)
        except BaseException:
            record(request.method, request.resolver_match, 500, perf_counter() - began, {})
            raise
        if response.streaming:
            return _counted_later(request, response, began)
        seconds = perf_counter() - began
        record(
            request.method, request.resolver_match, response.status_code, seconds, response.headers
        )
        return response


def _counted_later(
    request: HttpRequest, response: HttpResponseBase, began: float
) -> HttpResponseBase:
    def there() -> None:
        seconds = perf_counter() - began
        record(
            request.method, request.resolver_match, response.status_code, seconds, response.headers
        )

    if isinstance(response, StreamingHttpResponse) and not response.is_async:
        pieces = cast(Iterator[bytes], response.streaming_content)
        response.streaming_content = FirstPiece(pieces, there)
    else:
        there()
    return response


class FirstPiece:
    """Hands on `pieces` and calls `there`, once, when the first is there or none will come."""

    def __init__(self, pieces: Iterator[bytes], there: Callable[[], object]) -> None:
        self._pieces = pieces
        self._there: Callable[[], object] | None = there

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._pieces)
        finally:
            self.close()

    def close(self) -> None:
        """The response calls it at its end, even when nobody has read a piece."""
        there, self._there = self._there, None
        if there is not None:
            there()


def record(
    method: str | None,
    match: ResolverMatch | None,
    status: int,
    seconds: float,
    headers: Mapping[str, str],
    route: str = UNMATCHED,
) -> None:
    """A request was answered with these headers; without a match it was for `route`.

    All requests come through here, so the histogram's own method is left out.
    """
    told = str(status)
    try:
        exemplar = headers[HEADER]
    except KeyError:
        exemplar = None
    if method not in METHODS:
        method = OTHER
    if match is not None:
        route = match.route
    recorder.note(DURATION, (method, route, told), Cell.see, seconds, exemplar)
    if status >= 400:
        REQUEST_ERRORS.add(1, told)
        if status >= 500:
            SERVER_ERRORS.add(1)


def refused(method: str, status: int, seconds: float, exemplar: str) -> None:
    """The web server has answered a request by itself, before Django saw it."""
    record(method, None, status, seconds, {HEADER: exemplar}, route=REFUSED)
