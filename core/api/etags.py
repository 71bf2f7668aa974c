"""ETags: answer 304 for what the client has, and refuse to change what it has not seen."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import Any

from django.http import HttpRequest
from django.utils.http import parse_etags
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.envelope import dumps
from core.errors import PreconditionFailed

# no-cache: a cache may keep the answer, but asks each time whether it is still right.
REVALIDATE = {"Cache-Control": "private, no-cache"}


def etag_of(document: Any) -> str:
    """A strong ETag of a document that the API renders, quoted."""
    return f'"{sha256(dumps(document)).hexdigest()[:32]}"'


def with_etag(
    request: Request | HttpRequest, document: Any, *, etag: str | None = None
) -> Response:
    """The document with its ETag, or 304 when If-None-Match has it already.

    `etag` is that of what the document shows a part of; without one it is the document's own.
    """
    etag = etag or etag_of(document)
    headers = {"ETag": etag, **REVALIDATE}
    if is_match(request.META.get("HTTP_IF_NONE_MATCH", ""), etag, weakly=True):
        return Response(status=304, headers=headers)
    return Response(document, headers=headers)


def check_match(given: str | None, etag: str) -> None:
    """Raises PreconditionFailed when the header If-Match was `given` and doesn't have `etag`.

    Call it in the transaction that changes the thing, with the row locked.
    """
    if given is not None and not is_match(given, etag):
        raise PreconditionFailed(
            "This was changed since you read it: read it again, then repeat the change.",
            headers={"ETag": etag},
        )


def is_match(header: str, etag: str, *, weakly: bool = False) -> bool:
    """Whether the list of an If-Match or If-None-Match header has `etag`, or is `*`."""
    listed: Iterable[str] = parse_etags(header)
    if weakly:
        listed = [each.removeprefix("W/") for each in listed]
    return "*" in listed or etag in listed
