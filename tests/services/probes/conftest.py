"""Looking at servers of this machine."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from services.probes.base import Observation, Target, observe, registry
from tests.web_servers import WebServer, serving

Look = Callable[..., Observation]


@pytest.fixture
def look(loopback_allowed) -> Look:
    """One look by a probe of a type, as it is configured."""

    def look(type_: str, **configuration: Any) -> Observation:
        kind = registry.get(type_)
        probe = kind(kind.Configuration.model_validate({"timeout": 2.0, **configuration}))
        deadline = time.monotonic() + probe.configuration.timeout
        return observe(probe, Target("shop", deadline, watched_since=datetime.now(UTC)))

    return look


@pytest.fixture
def web() -> Iterator[WebServer]:
    with serving() as server:
        yield server
