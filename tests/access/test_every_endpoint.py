"""Every endpoint of the API, found in the URL patterns, refuses who may not call it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from core.access import keys, tokens
from core.access.models import ApiKey
from core.access.scopes import ALL_SCOPES, expand
from core.api.views import ApiView

pytestmark = pytest.mark.django_db


class Endpoint(NamedTuple):
    method: str
    path: str
    scope: str | None


def endpoints() -> Iterator[Endpoint]:
    for path, view in _views(get_resolver().url_patterns, "/"):
        if path.startswith("/api/"):
            for method in view.allowed_methods:
                if method != "HEAD":
                    yield Endpoint(method, path, view.scope_for(method))


def _views(patterns: list[Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from _views(pattern.url_patterns, prefix + str(pattern.pattern))
        elif isinstance(pattern, URLPattern) and hasattr(pattern.callback, "view_class"):
            converters = pattern.pattern.converters
            path = str(pattern.pattern)
            for name in converters:
                path = path.replace(f"<str:{name}>", "x").replace(f"<{name}>", "x")
            yield prefix + path, pattern.callback.view_class()


ALL = sorted(endpoints())
CLOSED = [each for each in ALL if each.scope is not None]
OPEN = [each for each in ALL if each.scope is None]


def name(endpoint: Endpoint) -> str:
    return f"{endpoint.method} {endpoint.path}"


def send(client, endpoint: Endpoint, key: str | None):
    return client.generic(
        endpoint.method, endpoint.path, b"{}", content_type="application/json",
        headers={} if key is None else {"X-API-Key": key},
    )  # fmt: skip


def assert_is_401(answer) -> None:
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "unauthenticated"
    assert answer.json()["error"]["request_id"] == answer["X-Request-ID"]
    assert answer["WWW-Authenticate"]


def test_the_walk_finds_the_endpoints():
    assert {"/api/v1/keys", "/api/v1/status", "/api/v1/tasks/x"} <= {each.path for each in CLOSED}
    assert {each.path for each in OPEN} >= {"/api/v1/health", "/api/v1/schema"}
    assert all(
        each.path.startswith(("/api/v1/health", "/api/v1/schema", "/api/v1/docs")) for each in OPEN
    )


def test_every_view_of_the_api_is_an_api_view():
    views = [view for path, view in _views(get_resolver().url_patterns, "/") if "/api/" in path]
    assert views
    assert [view for view in views if not isinstance(view, ApiView)] == []


@pytest.mark.parametrize("endpoint", CLOSED, ids=name)
class TestClosed:
    def test_without_a_key(self, client, endpoint):
        assert_is_401(send(client, endpoint, None))

    @pytest.mark.parametrize("key", ["", "nonsense", str(tokens.Token("0" * 12, "0" * 43))])
    def test_with_a_bad_key(self, client, endpoint, key):
        assert_is_401(send(client, endpoint, key))

    def test_with_an_expired_key(self, client, make_key, endpoint):
        key = make_key()
        ApiKey.objects.update(expires_at="2020-01-01T00:00:00Z")
        assert_is_401(send(client, endpoint, key))

    def test_with_a_revoked_key(self, client, make_key, endpoint):
        key = make_key()
        ApiKey.objects.update(revoked_at="2020-01-01T00:00:00Z")
        assert_is_401(send(client, endpoint, key))

    def test_with_each_wrong_scope(self, client, make_key, endpoint):
        for scope in sorted(ALL_SCOPES):
            if endpoint.scope in expand(frozenset({scope})):
                continue
            answer = send(client, endpoint, make_key(scope))
            assert answer.status_code == 403, scope
            assert answer.json()["error"]["code"] == "permission_denied"
            assert endpoint.scope in answer.json()["error"]["message"]

    def test_with_a_session_of_somebody_without_a_role(self, client, django_user_model, endpoint):
        client.force_login(django_user_model.objects.create_user("bob", is_staff=True))
        assert send(client, endpoint, None).status_code == 403


@pytest.mark.parametrize("endpoint", OPEN, ids=name)
def test_an_open_endpoint_looks_at_no_key(client, endpoint, django_assert_num_queries):
    keys.forget()
    answer = send(client, endpoint, "nonsense")
    assert answer.status_code in (200, 503)
    assert len(keys._refused) == 0
