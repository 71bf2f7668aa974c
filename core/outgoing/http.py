"""An HTTP client for addresses that users of the API give."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

import httpcore
import httpx
from django.conf import settings

from core.outgoing import trust
from core.outgoing.streams import DeadlineBackend

MAX_BYTES = 1024 * 1024
MAX_REDIRECTS = 5


class BodyTooLarge(httpx.ReadError):
    """The answer is larger than its reader takes."""


def client(
    *,
    deadline: float,
    max_bytes: int = MAX_BYTES,
    headers: Mapping[str, str] | None = None,
    follow_redirects: bool = False,
    tls: ssl.SSLContext | None = None,
) -> httpx.Client:
    """A client for one purpose, to be closed: `with http.client(…) as client`.

    Every connection, also that of a redirect, is made to a checked address, and all requests
    together end at `deadline`. `headers` may hold secrets: they are sent where the first
    request goes to and not to where that redirects. `tls` is one of `trust.context`.

    Requests raise addresses.AddressRefused, and httpx.HTTPError for all else: TimeoutException
    when it is late, BodyTooLarge, DecodingError for a body in an encoding (none is asked for).
    """
    return httpx.Client(
        transport=_Transport(
            deadline=deadline, max_bytes=max_bytes, headers=headers, tls=tls or trust.context()
        ),
        headers={"User-Agent": f"Nexus/{settings.VERSION}", "Accept-Encoding": "identity"},
        follow_redirects=follow_redirects,
        max_redirects=MAX_REDIRECTS,
        timeout=None,  # noqa: S113  the deadline of the transport holds for all of it
        trust_env=False,
    )


class _Transport(httpx.BaseTransport):
    """httpx's own, with connections that we make and bodies that end."""

    def __init__(
        self,
        *,
        deadline: float,
        max_bytes: int,
        headers: Mapping[str, str] | None,
        tls: ssl.SSLContext,
    ) -> None:
        self._pool = httpcore.ConnectionPool(
            ssl_context=tls, network_backend=DeadlineBackend(deadline)
        )
        self._max_bytes = max_bytes
        self._headers = dict(headers or {})
        self._origin: tuple[Any, ...] = ()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        with _as_httpx(request):
            answer = self._pool.handle_request(self._addressed(request))
        return httpx.Response(
            status_code=answer.status,
            headers=answer.headers,
            stream=_Body(answer, request, self._max_bytes),
            extensions=cast("dict[str, Any]", answer.extensions),
        )

    def close(self) -> None:
        self._pool.close()

    def _addressed(self, request: httpx.Request) -> httpcore.Request:
        url = request.url
        origin = (url.raw_scheme, url.raw_host, url.port)
        self._origin = self._origin or origin
        headers = httpx.Headers(request.headers)  # a copy: what is added must not be redirected
        if origin == self._origin:
            headers.update(self._headers)
        return httpcore.Request(
            method=request.method,
            url=httpcore.URL(
                scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
            ),
            headers=headers.raw,
            content=cast(Any, request.stream),
            extensions=request.extensions,
        )


class _Body(httpx.SyncByteStream):
    """The body of an answer, of so many bytes at most.

    An encoded one is refused: a megabyte of gzip can be a gigabyte of text.
    """

    def __init__(self, answer: httpcore.Response, request: httpx.Request, max_bytes: int) -> None:
        self._answer = answer
        self._request = request
        self._max_bytes = max_bytes

    def __iter__(self) -> Iterator[bytes]:
        encoding = httpx.Headers(self._answer.headers).get("content-encoding", "identity")
        left = self._max_bytes
        with _as_httpx(self._request):
            for part in self._answer.iter_stream():
                if left == self._max_bytes and encoding.lower() != "identity":
                    message = "The body is encoded, though its plain text was asked for"
                    raise httpx.DecodingError(message, request=self._request)
                left -= len(part)
                if left < 0:
                    message = f"The body is larger than {self._max_bytes:,} bytes"
                    raise BodyTooLarge(message, request=self._request)
                yield part

    def close(self) -> None:
        self._answer.close()


@contextmanager
def _as_httpx(request: httpx.Request) -> Iterator[None]:
    """Raise httpcore's errors as those of httpx, which are named alike."""
    try:
        yield
    except tuple(_KINDS) as error:
        kind = next(known for seen, known in _KINDS.items() if isinstance(error, seen))
        raise kind(str(error), request=request) from error


_KINDS: dict[type[Exception], type[httpx.RequestError]] = {
    getattr(httpcore, name): getattr(httpx, name)
    for name in (
        "ConnectTimeout", "ReadTimeout", "WriteTimeout", "PoolTimeout",
        "ConnectError", "ReadError", "WriteError",
        "RemoteProtocolError", "LocalProtocolError", "UnsupportedProtocol",
    )
}  # fmt: skip
