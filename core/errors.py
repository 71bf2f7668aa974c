"""Errors that carry their HTTP status and a stable code.

Operations and queries raise these and nothing else on purpose; `core.api` turns them into
the error envelope, the command line into a sentence and an exit code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class Detail:
    """One thing wrong with one field of the input; `field` is a dotted path."""

    field: str
    code: str
    message: str


class NexusError(Exception):
    """An error somebody can act on. `message` is one sentence that says how."""

    status: ClassVar[int] = 500
    code: str = "internal_error"

    def __init__(
        self,
        message: str,
        *,
        details: Sequence[Detail] = (),
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.details = tuple(details)
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})  # further keys of the error document, such as a task_id


class InvalidInput(NexusError):
    status = 400
    code = "invalid_input"

    @classmethod
    def field(cls, field: str, code: str, message: str) -> InvalidInput:
        return cls(message, details=[Detail(field, code, message)])


class Unauthenticated(NexusError):
    status = 401
    code = "unauthenticated"


class PermissionDenied(NexusError):
    status = 403
    code = "permission_denied"


class NotFound(NexusError):
    status = 404
    code = "not_found"


class Conflict(NexusError):
    status = 409
    code = "conflict"


class PreconditionFailed(NexusError):
    status = 412
    code = "precondition_failed"


class Unprocessable(NexusError):
    status = 422
    code = "unprocessable"


class TooManyRequests(NexusError):
    status = 429
    code = "rate_limited"


class Unavailable(NexusError):
    status = 503
    code = "unavailable"
