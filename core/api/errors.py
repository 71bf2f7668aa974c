"""Exceptions to error envelopes: inside DRF, and for everything outside it."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import Any

from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.views import defaults
from rest_framework import exceptions
from rest_framework.response import Response

from core.api import request_id
from core.api.envelope import dumps
from core.errors import Detail, NexusError, NotFound, PermissionDenied, Unavailable

logger = logging.getLogger(__name__)

CODES = {
    400: "invalid_input",
    401: "unauthenticated",
    403: "permission_denied",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    413: "too_large",
    415: "unsupported_media_type",
    429: "rate_limited",
}


def document(
    code: str,
    message: str,
    details: tuple[Detail, ...] = (),
    extra: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    error = {
        "code": code,
        "message": message,
        "details": [
            {"field": each.field, "code": each.code, "message": each.message} for each in details
        ],
        "request_id": request_id.current(),
    }
    return {"success": False, "error": {**error, **(extra or {})}}


def answer(error: Exception, context: Mapping[str, Any]) -> Response:
    """DRF's exception handler: every exception becomes an error envelope."""
    known = _as_nexus_error(error)
    if known is not None:
        return Response(
            document(known.code, known.message, known.details, known.extra),
            status=known.status,
            headers=known.headers,
        )
    if isinstance(error, exceptions.APIException):
        return _answer_rest_framework(error)
    logger.exception("unexpected error", exc_info=error)
    return Response(document("internal_error", UNEXPECTED), status=500)


UNEXPECTED = "Something went wrong on our side; the log has the details under this request id."


def _as_nexus_error(error: Exception) -> NexusError | None:
    if isinstance(error, NexusError):
        return error
    if isinstance(error, Http404):
        return NotFound("There is nothing at this address.")
    if isinstance(error, DjangoPermissionDenied):
        return PermissionDenied("This is not allowed.")
    if isinstance(error, OperationalError):
        logger.warning("database unavailable: %s", error)
        return Unavailable("The database does not answer; try again.", headers={"Retry-After": "5"})
    return None


def _answer_rest_framework(error: exceptions.APIException) -> Response:
    headers = {}
    if getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = error.auth_header
    if getattr(error, "wait", None) is not None:
        headers["Retry-After"] = str(int(error.wait) + 1)
    details = tuple(_details(error.detail)) if isinstance(error, exceptions.ValidationError) else ()
    if details:
        message = (
            f"{details[0].field}: {details[0].message}" if details[0].field else details[0].message
        )
    else:
        message = str(error.detail)
    code = CODES.get(error.status_code, "error")
    return Response(document(code, message, details), status=error.status_code, headers=headers)


def _details(detail: Any, path: str = "") -> Iterator[Detail]:
    """Flatten DRF's nested error detail to dotted paths."""
    if isinstance(detail, Mapping):
        for key, value in detail.items():
            step = "" if key == "non_field_errors" else str(key)
            yield from _details(value, f"{path}.{step}".strip("."))
    elif isinstance(detail, list):
        for index, value in enumerate(detail):
            nested = isinstance(value, (Mapping, list))
            yield from _details(value, f"{path}.{index}".strip(".") if nested else path)
    else:
        yield Detail(path, getattr(detail, "code", "invalid"), str(detail))


def _outside(request: HttpRequest, error: NexusError) -> HttpResponse | None:
    """The envelope for an error that happened outside DRF, or None outside the API."""
    if not request.path.startswith("/api/"):
        return None
    body = dumps(document(error.code, error.message))
    return HttpResponse(body, status=error.status, content_type="application/json")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    wrong = type("BadRequest", (NexusError,), {"status": 400, "code": "bad_request"})
    return _outside(request, wrong("The request can't be understood.")) or defaults.bad_request(
        request, exception
    )


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _outside(
        request, PermissionDenied("This is not allowed.")
    ) or defaults.permission_denied(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _outside(
        request, NotFound("There is nothing at this address.")
    ) or defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    return _outside(request, NexusError(UNEXPECTED)) or defaults.server_error(request)
