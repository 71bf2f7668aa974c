"""Looking at servers of this machine."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from services.probes.base import Heartbeat, Observation, Target, observe, registry
from tests.web_servers import WebServer, serving

Look = Callable[..., Observation]


@pytest.fixture
def look(loopback_allowed) -> Look:
    """One look by a probe of a type, as it is configured."""

    def look(
        type_: str,
        *,
        heartbeat: Heartbeat | None = None,
        watched_since: datetime | None = None,
        **configuration: Any,
    ) -> Observation:
        kind = registry.get(type_)
        probe = kind(kind.Configuration.model_validate({"timeout": 2.0, **configuration}))
        deadline = time.monotonic() + probe.configuration.timeout
        since = watched_since or datetime.now(UTC)
        return observe(probe, Target("shop", deadline, since, heartbeat))

    return look


@pytest.fixture
def web() -> Iterator[WebServer]:
    with serving() as server:
        yield server
