"""What parts have in common: how they are looked at, and how restarted."""

from __future__ import annotations

from abc import abstractmethod
from datetime import datetime
from typing import Any, ClassVar

from core.errors import NexusError
from core.health import parts, queries
from core.health.parts import Part, Progress, Sight
from core.processes import control, restarting
from core.processes import queries as processes

COMMAND = "health.restart_part"
ANSWER_SECONDS = 10.0


class NotEverywhere(NexusError):
    """Some processes did not do what all of them were asked to."""

    status = 502
    code = "not_everywhere"


def seen(component: str) -> Sight:
    """A component as its newest verdicts have it, with the figures of all its checks."""
    standing = queries.latest(component)
    figures = {
        name: value for verdict in standing.verdicts for name, value in verdict.figures.items()
    }
    return Sight(standing.health.value, standing.reason or "", figures=figures)


def is_unhealthy(sight: Sight) -> bool:
    return sight.health == "unhealthy"


class EverywherePart(Part):
    """A part of which every process has a piece. `component` is the one that it is of."""

    component: ClassVar[str]

    @abstractmethod
    def restart_here(self) -> bool:
        """Renew the piece of this process; returns whether there is one. Must be quick, as every
        command; what it raises is told to who asked."""

    def restart(self, progress: Progress, *, since: datetime) -> None:
        payload = {"part": self.name, "since": since.isoformat()}
        result = control.broadcast(COMMAND, payload, wait_seconds=ANSWER_SECONDS)
        done = sum(answer["renewed"] for answer in result.answers.values())
        progress.info(
            f"Renewed in {done} of {len(result.acknowledged) + len(result.missing)} processes."
        )
        if unanswered := result.unanswered:
            reasons = "; ".join(sorted(set(result.errors.values()))) or "no answer"
            raise NotEverywhere(
                f"Renewed in {done} processes, but not in {', '.join(unanswered)}: {reasons}.",
                extra={"unanswered": unanswered},
            )
        queries.standing(self.component)  # or the next look would tell of what was before


_renewed: dict[str, tuple[datetime, bool]] = {}  # by part: for whom asked last, and whether


@control.handler(COMMAND)
def restart_here(payload: dict[str, Any]) -> dict[str, bool]:
    """Renew this process's piece of a part, once for each time that somebody wanted it."""
    part = parts.registry.get(payload["part"])
    since = datetime.fromisoformat(payload["since"])
    before = _renewed.get(part.name)
    if isinstance(part, EverywherePart) and (before is None or before[0] < since):
        _renewed[part.name] = before = since, part.restart_here()
    return {"renewed": before is not None and before[1]}


class RolePart(Part):
    """A part that is all processes of a role."""

    role: ClassVar[str]

    def restart(self, progress: Progress, *, since: datetime) -> None:
        late = processes.mains(self.role).filter(started_at__lte=since)
        asked = list(late.values_list("pk", flat=True))
        if asked:
            ending = restarting.restart(asked, checkpoint=progress.checkpoint)
            progress.info(f"Processes that end, and are started again: {ending}.")

    def is_renewed(self, since: datetime) -> bool:
        return processes.is_renewed(self.role, since=since)
