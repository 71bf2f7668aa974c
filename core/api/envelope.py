"""The envelope around every answer, put on in this one place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from rest_framework.renderers import BaseRenderer

OPTIONS = orjson.OPT_NON_STR_KEYS | orjson.OPT_UTC_Z | orjson.OPT_SERIALIZE_UUID


def dumps(document: Any) -> bytes:
    """JSON as the API writes it: times in UTC with a Z and whole microseconds."""
    return orjson.dumps(document, option=OPTIONS, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    return str(value)


class EnvelopeRenderer(BaseRenderer):
    """Views return bare data; this adds {"success", "data"}. Errors arrive wrapped already."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        response = (renderer_context or {}).get("response")
        if response is not None:
            if response.status_code == 204:
                return b""
            if getattr(response, "bare", False) or response.status_code >= 400:
                return dumps(data)
        return dumps({"success": True, "data": data})
