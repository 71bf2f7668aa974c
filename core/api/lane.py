"""The API's own, shorter way from the server to a view and back."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.urls import ResolverMatch, get_resolver
from django.utils.module_loading import import_string

from core.api import errors

Handler = Callable[[HttpRequest], HttpResponseBase]
KNOWN_HOSTS = 256
KNOWN_PATHS = 1024
LONGEST_KNOWN_PATH = 120


class ApiLane:
    """Early in MIDDLEWARE: paths below /api/ leave the list here and run API_MIDDLEWARE.

    Nothing is raised past the lane, so Django's HTML error pages never answer for the API.
    """

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response
        lane: Handler = serve
        for path in reversed(settings.API_MIDDLEWARE):
            lane = _answering(import_string(path)(lane))
        self.lane = lane

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info.startswith("/api/") or request.path_info == "/api":
            return self.lane(request)
        return self.get_response(request)


def serve(request: HttpRequest) -> HttpResponseBase:
    """Call the view of the address; an exception becomes the error envelope."""
    try:
        match = _resolve(request.path_info)
        request.resolver_match = match
        return match.func(request, *match.args, **match.kwargs)
    except Exception as error:
        return errors.answer(error, {"request": request})


def _resolve(path: str) -> ResolverMatch:
    """Django's match of a path. It is the same each time, and finding it costs 40 µs."""
    if len(path) > LONGEST_KNOWN_PATH:
        return get_resolver().resolve(path)
    return _known_match(path, settings.ROOT_URLCONF)


@lru_cache(maxsize=KNOWN_PATHS)
def _known_match(path: str, urlconf: str) -> ResolverMatch:
    return get_resolver(urlconf).resolve(path)


def _answering(middleware: Handler) -> Handler:
    def guarded(request: HttpRequest) -> HttpResponseBase:
        try:
            return middleware(request)
        except Exception as error:
            return errors.answer(error, {"request": request})

    return guarded


class HostMiddleware:
    """Refuse host names that are not ours, and say how answers may be cached and read.

    What is in API_FOR_ANY_HOST answers to all: load balancers and probes ask by an address
    of their choice, or in HTTP/1.0 by none, and nothing there repeats the name.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response
        self._accepted: set[str] = set()

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith(settings.API_FOR_ANY_HOST):
            self._check_host(request)
        response = self.get_response(request)
        headers = response.headers
        headers.setdefault("Cache-Control", "no-store")
        headers["X-Content-Type-Options"] = "nosniff"
        if settings.SECURE_HSTS_SECONDS:
            headers["Strict-Transport-Security"] = f"max-age={settings.SECURE_HSTS_SECONDS}"
        return response

    def _check_host(self, request: HttpRequest) -> None:
        given = request.META.get("HTTP_HOST", "")
        if given in self._accepted:
            return
        request.get_host()  # raises DisallowedHost
        if given and len(self._accepted) < KNOWN_HOSTS:
            self._accepted.add(given)
