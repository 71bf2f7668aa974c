"""Reading keys."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from core import ids
from core.access import tokens
from core.access.models import ApiKey
from core.api import external_ids
from core.errors import NotFound

PREFIX = "key"
COLUMNS = (
    "id", "name", "key_id", "scopes", "networks", "created_at", "created_by", "rotated_at",
    "previous_until", "expires_at", "revoked_at", "revoked_by", "last_used_at",
)  # fmt: skip


def keys(*, revoked: bool = False) -> QuerySet[ApiKey, dict[str, Any]]:
    """The keys as rows with COLUMNS, for a page of them; with `revoked` those, too."""
    rows = ApiKey.objects.values(*COLUMNS)
    return rows if revoked else rows.filter(revoked_at=None)


def list_keys(*, usable_only: bool = False) -> list[dict[str, Any]]:
    """The keys as `described`, newest first."""
    found = [described(row) for row in keys(revoked=True).order_by("-created_at", "-id")]
    return [each for each in found if each["state"] == "active" or not usable_only]


def get_key(*, key_id: UUID, revoked: bool = False) -> dict[str, Any]:
    """One key as `described`; raises NotFound, for a revoked one too unless told."""
    row = keys(revoked=revoked).filter(pk=key_id).first()
    if row is None:
        raise NotFound("There is no such key.")
    return described(row)


def described(row: dict[str, Any]) -> dict[str, Any]:
    """A row of `keys` as the API and the command line show it; the secret is nowhere."""
    return {
        **{name: row[name] for name in COLUMNS if name not in ("id", "key_id")},
        "id": ids.external(PREFIX, row["id"]),
        "prefix": f"{tokens.PREFIX}_{row['key_id']}",
        "state": _state(row),
    }


def _state(row: dict[str, Any]) -> str:
    if row["revoked_at"] is not None:
        return "revoked"
    if row["expires_at"] is not None and row["expires_at"] <= timezone.now():
        return "expired"
    return "active"


def internal_id(text: str) -> UUID:
    """Raises NotFound for what isn't the id of a key."""
    return external_ids.internal(PREFIX, text, unknown="There is no such key.")
