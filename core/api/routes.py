"""Paths that answer with and without a trailing slash, without a redirect."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.urls import URLPattern
from django.urls.resolvers import RoutePattern


class OptionalSlash(RoutePattern):
    """A route, written without its slash, that also matches one slash more."""

    def match(self, path: str) -> Any:
        return super().match(path.removesuffix("/"))


def route(pattern: str, view: Callable[..., Any], *, name: str | None = None) -> URLPattern:
    """Like `django.urls.path`; `pattern` is written without leading and trailing slash."""
    return URLPattern(OptionalSlash(pattern, name=name, is_endpoint=True), view, None, name)
