"""The first answer again: what a POST with an Idempotency-Key was answered, for a day or so."""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import re
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from typing import Annotated
from uuid import UUID

import orjson
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone
from django.utils.encoding import force_bytes
from pydantic import Field

from core import ids, options
from core.access.actor import Actor
from core.access.models import IdempotentAnswer
from core.api import request_id
from core.api.documented import IdempotencyInProgress, IdempotencyKeyReused
from core.api.envelope import dumps
from core.api.request import body_of
from core.errors import Conflict, InvalidInput

logger = logging.getLogger(__name__)

KEPT = options.declare(
    "security.idempotency_hours", Annotated[int, Field(ge=1, le=168)], default=24, unit="hours",
    help="How long a POST that is repeated with the same Idempotency-Key gets the first answer"
    " again instead of being carried out once more.",
)  # fmt: skip
# Longer than any request waits; a process that died lets others try again after this.
HELD = timedelta(seconds=120)
RETRY_SECONDS = 2
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_KEPT_HEADERS = ("Content-Type", "Location", "Retry-After", "ETag", "Preference-Applied")

# A row that is too old, or whose holder died, is taken over as if it were new.
_CLAIM = """
INSERT INTO access_idempotentanswer
    (actor, method, path, key, fingerprint, holder, held_until, headers, body)
VALUES (%(actor)s, %(method)s, %(path)s, %(key)s, %(fingerprint)s, %(holder)s, %(held)s, '{}', '')
ON CONFLICT (actor, method, path, key) DO UPDATE SET
    fingerprint = EXCLUDED.fingerprint, holder = EXCLUDED.holder,
    held_until = EXCLUDED.held_until, created_at = now(), status = NULL, headers = '{}', body = ''
WHERE access_idempotentanswer.created_at < %(oldest)s
   OR (access_idempotentanswer.status IS NULL AND access_idempotentanswer.held_until < now())
RETURNING id
"""


class IdempotencyStore:
    """Keeps answers in PostgreSQL, encrypted: they may show a secret that is shown once."""

    def once(
        self, request: HttpRequest, *, actor: Actor, perform: Callable[[], HttpResponseBase]
    ) -> HttpResponseBase:
        """The remembered answer, or that of `perform`, which is then remembered.

        Answers from 500 up are not remembered. Raises InvalidInput for a malformed key,
        Unprocessable when it came with another body or query, Conflict while the first
        request still runs.
        """
        key = request.META["HTTP_IDEMPOTENCY_KEY"]
        if not _KEY.fullmatch(key):
            message = "Idempotency-Key is 1 to 255 visible ASCII characters."
            raise InvalidInput.field("Idempotency-Key", "invalid", message)
        place = {
            "actor": f"{actor.kind}:{actor.id or actor.address}",
            "method": request.method or "",
            "path": request.path_info.rstrip("/")[:500],
            "key": key,
        }
        fingerprint = _fingerprint(request)
        holder = ids.new()
        row = _claim(place, fingerprint, holder)
        if row is None:
            return _replay(place, fingerprint)
        response = perform()
        _remember(row, holder, response)
        return response


def _fingerprint(request: HttpRequest) -> bytes:
    query = request.META.get("QUERY_STRING", "").encode()
    return hashlib.sha256(hashlib.sha256(query).digest() + body_of(request)).digest()


def _claim(place: dict[str, str], fingerprint: bytes, holder: UUID) -> int | None:
    """The row that is now ours to answer, or None when somebody has it already."""
    now = timezone.now()
    moments = {"held": now + HELD, "oldest": now - timedelta(hours=KEPT.value)}
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, {**place, **moments, "fingerprint": fingerprint, "holder": holder})
        row = cursor.fetchone()
    return row[0] if row else None


def _replay(place: dict[str, str], fingerprint: bytes) -> HttpResponse:
    first = IdempotentAnswer.objects.filter(**place).first()
    if first is None or first.status is None:
        raise IdempotencyInProgress(
            "The first request with this Idempotency-Key still runs; try again.",
            headers={"Retry-After": str(RETRY_SECONDS)},
        )
    if not hmac.compare_digest(bytes(first.fingerprint), fingerprint):
        raise IdempotencyKeyReused("This Idempotency-Key was used with another body.")
    try:
        body = _cipher().decrypt(bytes(first.body))
    except InvalidToken:
        raise Conflict("The first answer can't be read any more: SECRET_KEY has changed.") from None
    response = HttpResponse(_under_this_id(body, first.status), status=first.status)
    for name in _KEPT_HEADERS:
        del response[name]
    for name, value in first.headers.items():
        response[name] = value
    response["Idempotency-Replayed"] = "true"
    return response


def _under_this_id(body: bytes, status: int) -> bytes:
    """An error names the request that it answers, which is this one now."""
    if status < 400 or not body:
        return body
    document = orjson.loads(body)
    document["error"]["request_id"] = request_id.current()
    return dumps(document)


def _remember(row: int, holder: UUID, response: HttpResponseBase) -> None:
    """Failing to remember must not take away an answer to work that is done."""
    mine = IdempotentAnswer.objects.filter(pk=row, holder=holder)
    try:
        if response.status_code >= 500 or not isinstance(response, HttpResponse):
            mine.delete()
            return
        mine.update(
            status=response.status_code,
            headers={name: response[name] for name in _KEPT_HEADERS if name in response},
            body=_cipher().encrypt(response.content),
        )
    except DatabaseError:
        logger.exception("an answer could not be remembered under its Idempotency-Key")


@cache
def _cipher() -> MultiFernet:
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return MultiFernet([Fernet(_derived(key)) for key in keys])


def _derived(secret: str | bytes) -> bytes:
    digest = hmac.digest(force_bytes(secret), b"nexus: idempotent answers", "sha256")
    return base64.urlsafe_b64encode(digest)
