"""Every exception below /api/ becomes the error envelope here, and nowhere else."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import Any

from django.core import signals
from django.core.exceptions import BadRequest as DjangoBadRequest
from django.core.exceptions import (
    DisallowedHost,
    RequestDataTooBig,
    SuspiciousOperation,
    TooManyFieldsSent,
    TooManyFilesSent,
)
from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from rest_framework import exceptions

from core.api import request_id
from core.api.envelope import json_response
from core.errors import Detail, NexusError, NotFound, PermissionDenied, Unavailable

logger = logging.getLogger(__name__)
security_logger = logging.getLogger("django.security")

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


class BadRequest(NexusError):
    status = 400
    code = "bad_request"


class TooLarge(NexusError):
    status = 413
    code = "too_large"


class MethodNotAllowed(NexusError):
    status = 405
    code = "method_not_allowed"


class LengthRequired(NexusError):
    status = 411
    code = "length_required"


class UnsupportedMediaType(NexusError):
    status = 415
    code = "unsupported_media_type"


class Unexpected(NexusError):
    """What nobody raised on purpose; its cause is in the log, not in the answer."""

    def __init__(self) -> None:
        super().__init__(
            "Something went wrong on our side; the log has the details under this request id."
        )


def answer(error: Exception, context: Mapping[str, Any]) -> HttpResponse:
    """The error envelope for any exception; `context` has the request, as in DRF."""
    known = as_nexus_error(error, context.get("request"))
    body = document(known.code, known.message, known.details, known.extra)
    response = json_response(body, status=known.status, headers=known.headers)
    response._has_been_logged = True  # type: ignore[attr-defined]  # the client was told; Django would log it without its id
    return response


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
    return {"success": False, "error": {**(extra or {}), **error}}


def as_nexus_error(error: Exception, request: Any) -> NexusError:
    """The error to answer with; one that nobody expected is logged with its traceback."""
    if isinstance(error, NexusError):
        return error
    if isinstance(error, exceptions.APIException):
        return _of_rest_framework(error)
    if isinstance(error, (OperationalError, InterfaceError)):
        logger.warning("database unavailable: %s", error)
        return Unavailable("The database does not answer; try again.", headers={"Retry-After": "5"})
    if known := _of_django(error):
        return known
    logger.error("unexpected error", exc_info=error)
    signals.got_request_exception.send(sender=None, request=getattr(request, "_request", request))
    return Unexpected()


def _of_django(error: Exception) -> NexusError | None:
    if isinstance(error, Http404):
        return NotFound("There is nothing at this address.")
    if isinstance(error, DjangoPermissionDenied):
        return PermissionDenied("This is not allowed.")
    if isinstance(error, (RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent)):
        return TooLarge("The request is larger than this server takes.")
    if isinstance(error, SuspiciousOperation):
        security_logger.error("%s: %s", type(error).__name__, error)
        is_host = isinstance(error, DisallowedHost)
        return BadRequest(
            "This host name is not in NEXUS_ALLOWED_HOSTS."
            if is_host
            else "The request can't be understood."
        )
    if isinstance(error, (DjangoBadRequest, MultiPartParserError, UnreadablePostError)):
        return BadRequest("The request can't be understood.")
    return None


def _of_rest_framework(error: exceptions.APIException) -> NexusError:
    details = tuple(_details(error.detail)) if isinstance(error, exceptions.ValidationError) else ()
    message = _sentence(details[0]) if details else str(error.detail)
    known = NexusError(message, details=details)
    known.status = error.status_code  # type: ignore[misc]
    known.code = CODES.get(error.status_code, "error")
    return known


def _sentence(detail: Detail) -> str:
    return f"{detail.field}: {detail.message}" if detail.field else detail.message


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
