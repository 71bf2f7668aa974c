"""What a probe is, and the registry of their types.

@probes.register("tcp", title="TCP port")
class TcpProbe(Probe):
    class Configuration(Probe.Configuration):
        host: Host
        port: Port

    def look(self, target: Target) -> Observation: ...
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar, TypeVar

import pydantic
from pydantic import Field

from core.health.checks import Finding, Outcome, Unhealthy, Warn
from core.registry import Registry
from services.clients.errors import NotAnswered, NotReached

__all__ = [
    "OUTCOMES", "Heartbeat", "Observation", "Outcome", "Probe", "Status", "Target", "Unhealthy",
    "Warn", "observe", "register", "registry",
]  # fmt: skip

# By the health that something says it has.
OUTCOMES = {"healthy": Outcome.PASS, "degraded": Outcome.WARNING, "unhealthy": Outcome.FAIL}


class Status(StrEnum):
    """Whether a service runs, whatever its health."""

    RUNNING = "running"
    STOPPED = "stopped"
    STARTING = "starting"
    RESTARTING = "restarting"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """What a service last said of itself."""

    at: datetime
    health: str
    message: str
    version: str
    figures: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Target:
    """The service that is looked at. `deadline` is when the look must be over, in monotonic
    seconds; `watched_since` is when its definition was last changed, and `now` when the look
    began, both by the clock that heartbeats are received by."""

    name: str
    deadline: float
    watched_since: datetime
    heartbeat: Heartbeat | None = None
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def remaining(self) -> float:
        """Seconds until the deadline, at least a millisecond: 0 means endless to many."""
        return max(self.deadline - time.monotonic(), 0.001)


@dataclass(frozen=True, slots=True)
class Observation:
    """What one look saw.

    `status` is None where the probe can't tell whether it runs, only whether it answers;
    `requests_handled` is the service's own count since `started_at`; `latency_ms` None takes
    the duration of the look. `figures` are plain JSON values.
    """

    outcome: Outcome = Outcome.PASS
    reason: str = ""
    status: Status | None = None
    version: str | None = None
    started_at: datetime | None = None
    requests_handled: int | None = None
    latency_ms: float | None = None
    figures: Mapping[str, Any] = field(default_factory=dict)


class Probe(ABC):
    """Looks at one service. `configuration` is a valid one of the class's own."""

    class Configuration(pydantic.BaseModel):
        """Secrets are `SecretStr`: they are stored encrypted and never shown. What they are sent
        to is called `url`, `host`, `port`, `server`, `socket` or `address`, or so at the end:
        they are asked for anew when one of these changes."""

        model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

        interval: Annotated[
            float, Field(ge=1, le=86_400, description="Seconds from one look to the next.")
        ] = 30.0
        timeout: Annotated[
            float, Field(ge=0.1, le=60, description="Seconds that a look may take.")
        ] = 5.0
        failure_threshold: Annotated[
            int, Field(ge=1, le=20, description="Failed looks in a row that make it unhealthy.")
        ] = 2
        success_threshold: Annotated[
            int, Field(ge=1, le=20, description="Good looks in a row that make it healthy again.")
        ] = 1

    type: ClassVar[str]
    title: ClassVar[str]

    def __init__(self, configuration: Any) -> None:
        self.configuration = configuration

    @abstractmethod
    def look(self, target: Target) -> Observation:
        """One look. Raises Unhealthy or Warn with the reason, TimeoutError when nobody answered
        in time; whatever else it raises counts as unhealthy. Must give up by itself soon after
        `target.deadline`, for a thread can't be stopped."""


def observe(probe: Probe, target: Target) -> Observation:
    """One look, whatever it raises being what it saw."""
    try:
        return probe.look(target)
    except Finding as finding:
        return Observation(finding.outcome, finding.reason, figures=finding.figures)
    except TimeoutError as error:
        late = f"did not answer within {probe.configuration.timeout:g} s"
        reason = f"{late}: {_told(error)}" if str(error) else late
        return Observation(Outcome.FAIL, reason, status=Status.UNKNOWN)
    except (NotAnswered, NotReached) as error:  # by who knows how the service is
        return Observation(Outcome.FAIL, error.message, status=Status.UNKNOWN)
    except Exception as error:
        return Observation(Outcome.FAIL, _told(error))


def _told(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


registry: Registry[type[Probe]] = Registry("probe type")
Made = TypeVar("Made", bound=type[Probe])


def register(name: str, *, title: str) -> Callable[[Made], Made]:
    """Register the decorated class. Raises AlreadyRegistered."""

    def add(made: Made) -> Made:
        made.type, made.title = name, title
        registry.add(name, made)
        return made

    return add
