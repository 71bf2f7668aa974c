"""The envelope around every answer, put on in this one place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from django.http import HttpResponse
from rest_framework.renderers import BaseRenderer
from rest_framework.response import Response

OPTIONS = orjson.OPT_NON_STR_KEYS | orjson.OPT_UTC_Z | orjson.OPT_SERIALIZE_UUID
CONTENT_TYPE = "application/json"


def dumps(document: Any) -> bytes:
    """JSON as the API writes it. Times come in UTC, as the ORM gives them, and go out with a Z."""
    return orjson.dumps(document, option=OPTIONS, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    return str(value)


def json_response(
    document: Any, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> HttpResponse:
    response = HttpResponse(dumps(document), status=status, content_type=CONTENT_TYPE)
    for name, value in (headers or {}).items():
        response[name] = value
    return response


def enveloped(data: bytes) -> HttpResponse:
    """The answer of a view whose data is JSON already, such as a document made for many."""
    return HttpResponse(b'{"success":true,"data":%b}' % data, content_type=CONTENT_TYPE)


def render(response: Response) -> Response:
    """Fill in the bytes of what a view returned: in the envelope, unless bare or without a body."""
    if response.status_code in (204, 304):
        response.content = b""
        del response["Content-Type"]
        return response
    is_bare = getattr(response, "bare", False)
    response.content = dumps(response.data if is_bare else {"success": True, "data": response.data})
    response["Content-Type"] = CONTENT_TYPE
    return response


class EnvelopeRenderer(BaseRenderer):
    """Tells DRF and the schema what media type the API speaks; `render` does the work."""

    media_type = CONTENT_TYPE
    format = "json"
    charset = None

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        return dumps({"success": True, "data": data})
