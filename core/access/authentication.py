"""Who sends a request: the holder of a key, or a person logged in to the admin."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest

from core.access import keys, sessions
from core.access.actor import Actor, stranger
from core.access.throttling import count_refusal
from core.api.address import client_address
from core.errors import Unauthenticated

BEARER = "bearer "


class ActorAuthentication:
    """Turns a key or a session into the Actor of the request.

    A key that is sent decides alone: a bad one is refused, whatever session came with it.
    """

    def authenticate(self, request: HttpRequest) -> Actor:
        """The actor; a stranger when nothing was sent. Raises Unauthenticated, Unavailable,
        PermissionDenied for a missing CSRF token, TooManyRequests after many bad keys."""
        address = client_address(request)
        meta = request.META
        text = meta.get("HTTP_X_API_KEY")
        if text is None:
            authorization = meta.get("HTTP_AUTHORIZATION", "")
            if authorization[: len(BEARER)].lower() == BEARER:
                text = authorization[len(BEARER) :].strip()
        if text is not None:
            return self._holder(text, address)
        if settings.SESSION_COOKIE_NAME in request.COOKIES:
            return sessions.authenticate(request, address=address) or stranger(address)
        return stranger(address)

    def stranger(self, request: HttpRequest) -> Actor:
        """The actor of an open view, for whom nothing is looked up."""
        return stranger(client_address(request))

    def _holder(self, text: str, address: str | None) -> Actor:
        try:
            return keys.authenticate(text, address=address)
        except Unauthenticated as error:
            count_refusal(address, error.message)
            raise
