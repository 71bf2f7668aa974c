"""What a service says of itself, by calling the instance now and then."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from services.probes.base import (
    OUTCOMES,
    Heartbeat,
    Observation,
    Outcome,
    Probe,
    Status,
    Target,
    register,
)

SHORTEST_TOKEN, LONGEST_TOKEN = 16, 200
LONGEST_PERIOD = 31 * 86_400
_TOKEN = re.compile(rf"[!-~]{{{SHORTEST_TOKEN},{LONGEST_TOKEN}}}")


def _token(value: SecretStr) -> SecretStr:
    if not _TOKEN.fullmatch(value.get_secret_value()):
        raise ValueError(f"A token is {SHORTEST_TOKEN} to {LONGEST_TOKEN} visible ASCII characters")
    return value


@register("heartbeat", title="Heartbeat")
class HeartbeatProbe(Probe):
    """Reads when the last heartbeat came and what it said; connects to nothing.

    A service that was never heard of is starting until its first heartbeat would be overdue,
    counted from the last change of its definition. With one, its age alone counts.
    """

    class Configuration(Probe.Configuration):
        every: Annotated[
            float,
            Field(ge=1, le=LONGEST_PERIOD, description="Seconds from one heartbeat to the next."),
        ] = 60.0
        grace: Annotated[
            float,
            Field(ge=0, le=LONGEST_PERIOD, description="Seconds that one may come late."),
        ] = 30.0
        token: Annotated[
            SecretStr | None,
            Field(description="What the service sends in X-Heartbeat-Token in place of a key."),
            AfterValidator(lambda value: value and _token(value)),
        ] = None
        # An overdue heartbeat is no packet that was lost: looking again sees the same.
        failure_threshold: Annotated[int, Field(ge=1, le=20)] = 1

    def look(self, target: Target) -> Observation:
        settings = self.configuration
        patience = timedelta(seconds=settings.every + settings.grace)
        last = target.heartbeat
        due_at = (last.at if last else target.watched_since) + patience
        if target.now > due_at:
            heard = f"the last one came at {_written(last.at)}" if last else "none ever came"
            return Observation(
                Outcome.FAIL,
                f"No heartbeat in time: {heard}, and one is due every {settings.every:g} s",
                status=Status.UNKNOWN,
                figures=_figures(last),
            )
        if last is None:
            reason = f"No heartbeat yet: the first one is due by {_written(due_at)}"
            return Observation(reason=reason, status=Status.STARTING)
        outcome = OUTCOMES[last.health]
        said = (
            "" if outcome is Outcome.PASS else last.message or f"It says that it is {last.health}"
        )
        return Observation(
            outcome,
            said,
            status=Status.RUNNING,  # it said so itself
            version=last.version or None,
            figures=_figures(last),
        )


def _figures(heartbeat: Heartbeat | None) -> dict[str, object]:
    if heartbeat is None:
        return {}
    return {**heartbeat.figures, "last_heartbeat_at": heartbeat.at.isoformat()}


def _written(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
