"""The request as the views of the API see it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from rest_framework.request import Request

from core.api import parsing
from core.api.errors import LengthRequired, UnsupportedMediaType

_UNREAD: Any = object()


class ApiRequest(Request):
    """DRF's request without its negotiation: one parser, and the user set by the view."""

    user: Any = None  # the Actor; set before the view's method runs
    auth: Any = None

    def __init__(self, request: HttpRequest) -> None:
        self._request = request
        self._document = _UNREAD
        self.parsers = self.authenticators = ()
        self.parser_context = {"request": self}

    @property
    def data(self) -> dict[str, Any]:
        """The JSON object in the body; raises InvalidInput, TooLarge, UnsupportedMediaType."""
        if self._document is _UNREAD:
            body = body_of(self._request)
            if body:
                _check_media_type(self._request)
            self._document = parsing.loads(body)
        return self._document

    @property
    def query_params(self) -> Any:
        return self._request.GET


def body_of(request: HttpRequest) -> bytes:
    """The raw body, of a size that is allowed; raises TooLarge or LengthRequired."""
    length = request.META.get("CONTENT_LENGTH") or ""
    if not length and "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower():
        raise LengthRequired("Send the body with a Content-Length.")
    if length.isdigit() and int(length) > parsing.MAX_BYTES.value:
        raise parsing.too_large()
    return request.body


def _check_media_type(request: HttpRequest) -> None:
    charset = (request.content_params or {}).get("charset", "utf-8").lower()
    if request.content_type not in ("", "application/json") or charset not in ("utf-8", "utf8"):
        raise UnsupportedMediaType("Send the body as application/json in UTF-8.")
