from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import OperationalError

from core.access import keys, outage, sessions


@pytest.fixture
def call(client):
    """Call the API with a key; returns the response."""

    def send(path: str, key: str | None = None, *, method: str = "GET", body=None, **headers):
        given = {"X-API-Key": key} if key is not None else {}
        return client.generic(
            method, f"/api/v1/{path}", *([body] if body is not None else []),
            content_type="application/json", headers={**given, **headers},
        )  # fmt: skip

    return send


@pytest.fixture
def person(db) -> Callable[..., object]:
    """Make somebody of the admin, in groups."""

    def make(name: str = "ada", *groups: str, **options):
        user = get_user_model().objects.create_user(
            name, password="-", **{"is_staff": True, **options}
        )
        user.groups.set(Group.objects.filter(name__in=groups))
        return user

    return make


@pytest.fixture
def admin(make_key) -> str:
    return make_key()


@pytest.fixture
def api(call, admin):
    def send(method: str, path: str, body=None, *, key: str = admin, **headers):
        text = json.dumps(body) if body is not None else ""
        return call(path, key, method=method, body=text, **headers)

    return send


class Database:
    """Whether lookups reach the database."""

    def __init__(self, monkeypatch) -> None:
        self.is_silent = False
        self.lookups = 0
        for module in (keys, sessions):
            monkeypatch.setattr(module, "_look_up", self._guarded(module._look_up))
        monkeypatch.setattr(outage, "_answers", lambda: not self.is_silent)
        monkeypatch.setattr(outage, "PROBE_SECONDS", 0.02)

    def _guarded(self, look_up):
        def guarded(*args):
            self.lookups += 1
            if self.is_silent:
                raise OperationalError("no answer")
            return look_up(*args)

        return guarded


@pytest.fixture
def database(monkeypatch) -> Database:
    return Database(monkeypatch)
