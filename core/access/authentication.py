"""Who sends a request: the holder of a key, or a person logged in to the admin."""

from __future__ import annotations

from typing import Any

from rest_framework.authentication import BaseAuthentication


class ActorAuthentication(BaseAuthentication):
    """Turns a key or a session into the Actor of the request."""

    def authenticate(self, request: Any) -> None:
        return None
