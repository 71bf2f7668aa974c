"""People logged in to the admin may use the API with their session."""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import sha256
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib import auth
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware

from core.access.actor import Actor, actor_of
from core.access.recent import Recent
from core.errors import PermissionDenied

FRESH_SECONDS = 10.0
SAFE_METHODS = ("GET", "HEAD")

_store: Any = import_module(settings.SESSION_ENGINE).SessionStore


@dataclass(frozen=True, slots=True)
class SeenSession:
    fingerprint: bytes
    actor: Actor  # without an address; a stranger when nobody is logged in


_seen: Recent[SeenSession] = Recent(fresh_seconds=FRESH_SECONDS)


class _WithSession:
    """As much of a request as `auth.get_user` looks at."""

    def __init__(self, session: Any) -> None:
        self.session = session


class _CsrfCheck(CsrfViewMiddleware):
    def _reject(self, request: HttpRequest, reason: str) -> Any:
        return reason


_csrf = _CsrfCheck(lambda request: HttpResponse())


def authenticate(request: HttpRequest, *, address: str | None) -> Actor | None:
    """The person whose session it is, or None when nobody is logged in.

    Raises PermissionDenied when a method that changes something lacks the CSRF token, and
    Unavailable when the database is silent and the session was not seen lately.
    """
    session_key = request.COOKIES[settings.SESSION_COOKIE_NAME]
    fingerprint = sha256(session_key.encode()).digest()
    seen = _seen.get(fingerprint, lambda: _look_up(fingerprint, session_key))
    if not seen.actor.is_authenticated:
        return None
    if request.method not in SAFE_METHODS:
        _require_csrf_token(request)
    return replace(seen.actor, address=address)


def forget(*, session_key: str | None = None, user_id: str | None = None) -> None:
    """Look up anew: one session, all of one person, or every one."""
    fingerprint = sha256(session_key.encode()).digest() if session_key else None
    _seen.forget(
        lambda seen: (
            (fingerprint is None or seen.fingerprint == fingerprint)
            and (user_id is None or seen.actor.id == user_id)
        )
    )


def _look_up(fingerprint: bytes, session_key: str) -> SeenSession:
    user = auth.get_user(_WithSession(_store(session_key)))  # type: ignore[arg-type]
    return SeenSession(fingerprint, actor_of(user))


def _require_csrf_token(request: HttpRequest) -> None:
    _csrf.process_request(request)
    reason = _csrf.process_view(request, None, (), {})  # type: ignore[arg-type]
    if reason:
        raise PermissionDenied(f"A session needs the CSRF token in X-CSRFToken: {reason}")
