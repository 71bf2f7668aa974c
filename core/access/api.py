"""The addresses of the keys."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from core.access import operations, queries
from core.access.grants import WouldWiden
from core.access.models import ApiKey
from core.access.operations import KeyExpired
from core.access.scopes import ADMIN_SECURITY
from core.access.serializers import (
    KeyChangesIn,
    KeyIn,
    KeyOut,
    KeysOut,
    NewKeyOut,
    RotationIn,
)
from core.api import pagination
from core.api.request import ApiRequest
from core.api.schema import raises
from core.api.serializers import PageIn, body_of, query_of
from core.api.views import ApiView


class KeysView(ApiView):
    """API keys."""

    scope = ADMIN_SECURITY

    @extend_schema(operation_id="list_keys", parameters=[PageIn], responses=KeysOut)
    def get(self, request: ApiRequest) -> Response:
        """The keys, newest first, the expired ones too."""
        query_of(PageIn, request)
        rows, page = pagination.page(queries.keys(), request=request)
        return Response({"keys": [queries.described(row) for row in rows], "pagination": page})

    @extend_schema(operation_id="create_key", request=KeyIn, responses={201: NewKeyOut})
    def post(self, request: ApiRequest) -> Response:
        """Make a key. It gets at most what you may do yourself; it is shown this once."""
        given = body_of(KeyIn, request)
        days = given.pop("expires_in_days")
        expires_in = timedelta(days=days) if days is not None else None
        key, text = operations.create_key(**given, expires_in=expires_in, actor=request.user)
        document = _with_text(key, text)
        where = reverse("key", kwargs={"key_id": document["id"]})
        return Response(document, status=201, headers={"Location": where})


class KeyView(ApiView):
    """One API key."""

    scope = ADMIN_SECURITY

    @extend_schema(operation_id="get_key", responses=KeyOut)
    def get(self, request: ApiRequest, key_id: str) -> Response:
        """A key, without its secret."""
        return Response(queries.get_key(key_id=queries.internal_id(key_id)))

    @raises(KeyExpired, WouldWiden)
    @extend_schema(operation_id="narrow_key", request=KeyChangesIn, responses=KeyOut)
    def patch(self, request: ApiRequest, key_id: str) -> Response:
        """Rename a key or take something away from it; a key is never widened."""
        pk = _existing(key_id)
        given = body_of(KeyChangesIn, request)
        operations.narrow_key(key_id=pk, actor=request.user, **given)
        return Response(queries.get_key(key_id=pk))

    @extend_schema(operation_id="revoke_key", request=None, responses={204: None})
    def delete(self, request: ApiRequest, key_id: str) -> Response:
        """Revoke a key: within a second it is refused everywhere. The audit log keeps it."""
        operations.revoke_key(key_id=_existing(key_id), actor=request.user)
        return Response(status=204)


class KeyRotationView(ApiView):
    """A new secret for a key."""

    scope = ADMIN_SECURITY

    @raises(KeyExpired)
    @extend_schema(operation_id="rotate_key", request=RotationIn, responses=NewKeyOut)
    def post(self, request: ApiRequest, key_id: str) -> Response:
        """Give a key a new secret; the one before keeps working for the overlap."""
        pk = _existing(key_id)
        overlap = timedelta(seconds=body_of(RotationIn, request)["overlap_seconds"])
        key, text = operations.rotate_key(key_id=pk, actor=request.user, overlap=overlap)
        return Response(_with_text(key, text))


def _existing(text: str) -> UUID:
    """Raises NotFound; for a revoked key too, which is gone as far as the API goes."""
    key_id = queries.internal_id(text)
    queries.get_key(key_id=key_id)
    return key_id


def _with_text(key: ApiKey, text: str) -> dict[str, Any]:
    return {**queries.get_key(key_id=key.pk), "key": text}
