"""The errors that operations have in common, and how an error stands in the schema."""

from __future__ import annotations

from collections.abc import Collection
from http import HTTPStatus
from typing import Any

from core.api.errors import (
    BadRequest,
    LengthRequired,
    TooLarge,
    Unexpected,
    UnsupportedMediaType,
)
from core.errors import (
    Conflict,
    InvalidInput,
    NexusError,
    NotFound,
    PermissionDenied,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
    Unprocessable,
)


class IdempotencyInProgress(Conflict):
    code = "idempotency_in_progress"


class IdempotencyKeyReused(Unprocessable):
    code = "idempotency_key_reused"


ERRORS: dict[str, tuple[type[NexusError], ...]] = {
    "always": (BadRequest, InvalidInput, Unexpected, Unavailable),
    "scoped": (Unauthenticated, PermissionDenied),
    "limited": (TooManyRequests,),
    "addressed": (NotFound,),
    "posted": (IdempotencyInProgress, IdempotencyKeyReused),
    "with a body": (LengthRequired, TooLarge, UnsupportedMediaType),
}
HEADERS = {
    401: {"WWW-Authenticate": "How to authenticate."},
    429: {"Retry-After": "Seconds to wait."},
    503: {"Retry-After": "Seconds to wait."},
}

SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["success", "error"],
    "properties": {
        "success": {"type": "boolean", "const": False},
        "error": {
            "type": "object",
            "required": ["code", "message", "details", "request_id"],
            "properties": {
                "code": {"type": "string", "description": "Stable; for programs."},
                "message": {"type": "string", "description": "A sentence; for people."},
                "details": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["field", "code", "message"],
                        "properties": {
                            "field": {"type": "string", "description": "A dotted path."},
                            "code": {"type": "string"},
                            "message": {"type": "string"},
                        },
                    },
                },
                "request_id": {"type": "string", "description": "As in X-Request-ID."},
            },
        },
    },
}


SECURITY_SCHEMES = {
    "ApiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "Bearer": {"type": "http", "scheme": "bearer", "description": "The same key."},
    "Session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "sessionid",
        "description": "Of the admin; what changes something needs X-CSRFToken beside it.",
    },
}
ABOUT = """\
Answers are `{"success": true, "data": ...}`, errors `{"success": false, "error": ...}`; health
is bare. Times are ISO 8601 in UTC, ids TypeIDs. Each answer has an `X-Request-ID`, the
request's own when that is well formed. Lists take `limit` and `cursor`. A path answers with
and without a trailing slash. `Idempotency-Key` (1 to 255 visible ASCII characters) on a POST
gives the first answer again for 24 hours, or as `security.idempotency_hours` says.
"""


def complete(result: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    """Hook of drf-spectacular: what belongs to the document as a whole."""
    result["info"]["description"] = ABOUT
    result["components"].setdefault("schemas", {})["Error"] = SCHEMA
    result["components"]["securitySchemes"] = SECURITY_SCHEMES
    return _without_marks(result)


def _without_marks(node: Any) -> Any:
    """Without the ids by which drf-spectacular compares enumerations."""
    if isinstance(node, dict):
        marked = "x-spec-enum-id"
        return {key: _without_marks(value) for key, value in node.items() if key != marked}
    return [_without_marks(each) for each in node] if isinstance(node, list) else node


def document_of_error(status: int, codes: Collection[str]) -> dict[str, Any]:
    """The response of the schema for a status with these codes."""
    listed = ", ".join(f"`{code}`" for code in sorted(codes))
    headers = {
        name: {"schema": {"type": "string"}, "description": text}
        for name, text in HEADERS.get(status, {}).items()
    }
    return {
        "description": f"{HTTPStatus(status).phrase}: {listed}",
        "headers": headers,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
    }
