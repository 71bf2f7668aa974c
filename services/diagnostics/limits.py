"""How much load the stress tests of every component may put on it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from core import options

# Well below the 30 s that bound a stress test with all it does before and after.
STRESS_TIME = options.declare(
    "diagnostics.stress_seconds", Annotated[float, Field(ge=0.5, le=20)], default=5.0, unit="s",
    help="How long a stress test keeps up its load.",
)  # fmt: skip
CONNECTIONS = options.declare(
    "diagnostics.stress_connections", Annotated[int, Field(ge=1, le=64)],
    default=8, unit="connections",
    help="How many connections at once a stress test of the database or the cache opens.",
)  # fmt: skip
