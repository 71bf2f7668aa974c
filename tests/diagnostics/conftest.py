from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from core.health import diagnostics
from core.processes import queries as processes
from tests.tasks.conftest import engine, workers
from tests.tasks.workers import Worker
from tests.waiting import until

__all__ = ["engine", "workers"]


@pytest.fixture
def worker(workers: Callable[..., Worker]) -> Worker:
    """A worker that takes tasks and delivers events."""
    started = workers()
    until(lambda: any(each["parent_pid"] is None for each in processes.alive("worker")))
    return started


@pytest.fixture
def client(make_key: Callable[..., str]) -> Client:
    return Client(headers={"X-API-Key": make_key("read:system")})


@pytest.fixture
def operator(make_key: Callable[..., str]) -> Client:
    return Client(headers={"X-API-Key": make_key("read:system", "admin:services", "admin:tasks")})


@pytest.fixture
def diagnostic(monkeypatch: pytest.MonkeyPatch) -> Callable[..., diagnostics.Diagnostic]:
    """Register a function as the only diagnostic: `diagnostic(run, test="performance", …)`."""
    monkeypatch.setattr(diagnostics.registry, "_entries", {})

    def add(run: diagnostics.Test, *, test: str = "connectivity", **options: Any) -> Any:
        diagnostics.register("part", test, **options)(run)
        return diagnostics.registry.get(f"part.{test}")

    return add
