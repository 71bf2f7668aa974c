"""The base of every API view: lean, with its scopes declared on the class."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework.response import Response
from rest_framework.views import APIView


class ApiView(APIView):
    """A view returns bare data; the renderer puts it in the envelope.

    `scope` is what every method needs; `scopes` overrides it by method. None is open to
    anyone. `request.user` is the Actor.
    """

    scope: ClassVar[str | None]
    scopes: ClassVar[dict[str, str | None]] = {}

    def scope_for(self, method: str) -> str | None:
        return self.scopes.get(method, self.scope)


def bare(data: Any, **kwargs: Any) -> Response:
    """A response without the envelope, as `/health` gives it."""
    response = Response(data, **kwargs)
    response.bare = True  # type: ignore[attr-defined]
    return response
