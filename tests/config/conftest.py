from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Annotated, Any

import pytest
from pydantic import Field

from core import options
from core.access.actor import SYSTEM
from core.config import loading, operations
from core.options import Option
from tests.processes.conftest import own_valkey, spawn

__all__ = ["own_valkey", "spawn"]

PERCENT = Annotated[int, Field(ge=0, le=100)]
Declare = Callable[..., Option[Any]]


@pytest.fixture(autouse=True)
def started_without_overrides(monkeypatch) -> None:
    monkeypatch.setattr(loading, "_started", 0)


@pytest.fixture
def declare() -> Iterator[Declare]:
    """Declare options of a section `test` that are gone after the test."""
    made: list[str] = []

    def add(name: str, type_: Any = PERCENT, *, default: Any = 10, **more: Any) -> Option[Any]:
        made.append(f"test.{name}")
        return options.declare(
            f"test.{name}", type_, default=default, **{"help": "For a test.", **more}
        )

    yield add
    for key in made:
        options.remove(key)


@pytest.fixture
def share(declare) -> Option[int]:
    return declare("share")


@pytest.fixture
def token(declare) -> Option[str]:
    return declare("token", str, default="", secret=True)


@pytest.fixture
def change(db) -> Callable[..., dict[str, Any]]:
    def make(values: dict[str, Any], **more: Any) -> dict[str, Any]:
        return operations.change(values=values, actor=SYSTEM, **more)

    return make


@pytest.fixture
def api(client, make_key):
    """Call the API with every scope, or with `key`."""
    every = make_key()

    def send(method: str, path: str, body: Any = None, *, key: str = every, **headers: str):
        text = json.dumps(body) if body is not None else ""
        return client.generic(
            method, f"/api/v1/{path}", text, content_type="application/json",
            headers={"X-API-Key": key, **headers},
        )  # fmt: skip

    return send
