"""Whether the actor of a request may call the view."""

from __future__ import annotations

from typing import Any

from core.errors import Unauthenticated

CHALLENGE = 'ApiKey realm="nexus", Bearer realm="nexus"'


def unauthenticated(message: str) -> Unauthenticated:
    return Unauthenticated(message, headers={"WWW-Authenticate": CHALLENGE})


def check(actor: Any, scope: str | None) -> None:
    """Raises Unauthenticated without an actor, PermissionDenied naming the missing scope."""
    if scope is None:
        return
    if not actor.is_authenticated:
        raise unauthenticated("Send an API key in X-API-Key, or log in to the admin.")
    actor.require(scope)
