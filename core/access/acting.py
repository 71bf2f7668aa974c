"""The person behind a page of the admin."""

from __future__ import annotations

from django.http import HttpRequest

from core.access.actor import Actor, actor_of
from core.api.address import client_address


def acting(request: HttpRequest) -> Actor:
    """The actor of a request with a session, asked for once a request."""
    if not hasattr(request, "nexus_actor"):
        request.nexus_actor = actor_of(request.user, address=client_address(request))  # type: ignore[attr-defined]
    return request.nexus_actor  # type: ignore[attr-defined]
