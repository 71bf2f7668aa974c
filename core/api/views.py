"""The base of every API view: lean, with its scopes declared on the class."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, ClassVar

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils.module_loading import import_string
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api import errors, scopes
from core.api.envelope import render
from core.api.request import ApiRequest

Handler = Callable[..., Any]


@cache
def _bound(name: str) -> Any:
    """What core.api needs of the layer above, named in the settings: made once."""
    return import_string(settings.API[name])()


class ApiView(APIView):
    """A view returns bare data; the envelope is put on here.

    `scope` is what every method needs; `scopes` overrides it by method. None is open to
    anyone and looks at no key. `request.user` is the Actor. `is_limited` is False where even
    strangers may call as often as they like, `enveloped` where answers are `bare`.
    """

    scope: ClassVar[str | None]
    scopes: ClassVar[dict[str, str | None]] = {}
    is_limited: ClassVar[bool] = True
    enveloped: ClassVar[bool] = True
    http_method_names = ["get", "head", "post", "put", "patch", "delete"]

    @classmethod
    def scope_for(cls, method: str) -> str | None:
        return cls.scopes.get("GET" if method == "HEAD" else method, cls.scope)

    def scope_of(self, request: HttpRequest) -> str | None:
        """What this request needs; a view that looks at another proof itself says None."""
        return self.scope_for(request.method or "")

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """DRF's, without its negotiation, versioning and per-request policy objects."""
        self.args, self.kwargs = args, kwargs
        self.request = seen = ApiRequest(request)
        limit: dict[str, str] = {}
        try:
            handler = self._handler(request)
            limit = self._admit(seen)
            # A stranger could fill the store, or ask for the answer to another.
            is_known = seen.user.is_authenticated
            if request.method == "POST" and is_known and "HTTP_IDEMPOTENCY_KEY" in request.META:
                response = _bound("IDEMPOTENCY_STORE").once(
                    request, actor=seen.user, perform=lambda: self._respond(handler)
                )
            else:
                response = self._respond(handler)
        except Exception as error:
            response = errors.answer(error, {"request": request})
        for name, value in limit.items():
            response[name] = value
        return response

    def _handler(self, request: HttpRequest) -> Handler:
        method = (request.method or "").lower()
        handler = getattr(self, method, None) if method in self.http_method_names else None
        if handler is None:
            raise errors.MethodNotAllowed(
                f"This address does not take {request.method}.",
                headers={"Allow": ", ".join(self.allowed_methods)},
            )
        return handler

    def _admit(self, request: ApiRequest) -> dict[str, str]:
        """Authenticate, check the scope, count; returns the headers of the rate limit."""
        scope = self.scope_of(request._request)
        authenticator = _bound("AUTHENTICATION")
        if scope is None:
            request.user = authenticator.stranger(request._request)
        else:
            request.user = authenticator.authenticate(request._request)
            scopes.check(request.user, scope)
        return _bound("THROTTLE").admit(request.user) if self.is_limited else {}

    def _respond(self, handler: Handler) -> HttpResponseBase:
        try:
            response = handler(self.request, *self.args, **self.kwargs)
        except Exception as error:
            return errors.answer(error, {"request": self.request})
        return render(response) if isinstance(response, Response) else response


def bare(data: Any, **kwargs: Any) -> Response:
    """A response without the envelope, as `/health` gives it."""
    response = Response(data, **kwargs)
    response.bare = True  # type: ignore[attr-defined]
    return response
