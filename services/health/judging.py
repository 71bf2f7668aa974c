"""What one look makes of a service's health and status. Pure: it asks nobody."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core.health.checks import Outcome
from services.health.looks import Look
from services.health.standing import Standing
from services.probes.base import Status
from services.registry.models import Health

OF_OUTCOME = {
    Outcome.PASS: Health.HEALTHY,
    Outcome.WARNING: Health.DEGRADED,
    Outcome.FAIL: Health.UNHEALTHY,
}
CONFIRM_SECONDS = 5.0
STOPPED = "Stopped "  # begins the reason of what is down because somebody wanted it so


@dataclass(frozen=True, slots=True)
class Verdict:
    """How the service stands after the look.

    `confirm_in` is in how many seconds to look again at the latest, to see whether a failure
    lasts. `unknown_since`: before this look nobody had looked for too long, since then.
    `is_stopped`: it is down because somebody wanted it so.
    """

    health: str
    status: str
    reason: str
    failures: int
    successes: int
    confirm_in: float | None = None
    unknown_since: datetime | None = None
    is_stopped: bool = False

    def changes(self, before: Standing) -> bool:
        """Whether there is more to do than to note that somebody looked."""
        same = (self.health, self.status) == (before.health, before.status)
        is_new_stop = self.is_stopped and not before.reason.startswith(STOPPED)
        return not same or self.unknown_since is not None or is_new_stop


def moment_of(look: Look, before: Standing) -> datetime:
    """When it was seen. A clock that is ahead must not keep others from being believed."""
    return min(look.at, before.now)


def is_news(look: Look, before: Standing) -> bool:
    """False for what comes twice, or after a later look."""
    return before.probed_at is None or moment_of(look, before) > before.probed_at


def judge(look: Look, before: Standing) -> Verdict:
    unknown_since = _unknown_since(look, before)
    if look.failed and not before.is_to_run:
        return Verdict(
            health=Health.UNKNOWN,
            status=before.status if before.is_acting else Status.STOPPED,
            reason=before.reason,
            failures=0,
            successes=0,
            unknown_since=unknown_since,
            is_stopped=True,
        )
    fresh = before.probed_at is None or unknown_since is not None
    failures = (1 if fresh else before.failures + 1) if look.failed else 0
    is_good = not look.failed and not _is_on_its_way(look, before)
    successes = (1 if fresh else before.successes + 1) if is_good else 0
    former = Health.UNKNOWN if fresh else Health(before.health)
    health = _health(look, former, before, failures=failures, successes=successes)
    is_confirmed = health == OF_OUTCOME[look.outcome]
    waits = look.failed and not is_confirmed
    return Verdict(
        health=health,
        status=_status(look, before, is_confirmed=is_confirmed),
        reason=_reason(look, before, is_confirmed=is_confirmed, successes=successes),
        failures=failures,
        successes=successes,
        confirm_in=min(before.rhythm.interval, CONFIRM_SECONDS) if waits else None,
        unknown_since=unknown_since,
    )


def _unknown_since(look: Look, before: Standing) -> datetime | None:
    """With another definition looks begin anew, so the time before it is no time without."""
    if before.probed_at is None:
        return None
    last = max(before.probed_at, before.changed_at)
    return last if moment_of(look, before) - last > before.rhythm.patience else None


def _health(
    look: Look, former: Health, before: Standing, *, failures: int, successes: int
) -> Health:
    seen = OF_OUTCOME[look.outcome]
    if former is Health.UNKNOWN:
        return seen
    if look.failed:
        return seen if failures >= before.rhythm.failure_threshold else former
    if former is Health.UNHEALTHY and successes < before.rhythm.success_threshold:
        return former
    return seen


def _is_on_its_way(look: Look, before: Standing) -> bool:
    """Whether it is not what the action waits for yet, though nothing is wrong with it."""
    return before.is_acting and look.status in (Status.STARTING, Status.RESTARTING)


def _status(look: Look, before: Standing, *, is_confirmed: bool) -> str:
    """What the probe says; what it can't say follows from health. While something acts on the
    service, that knows better."""
    if before.is_acting:
        return before.status
    if not look.failed:
        return look.status or Status.RUNNING
    if look.status not in (None, Status.UNKNOWN):
        return look.status
    return (look.status or Status.FAILED) if is_confirmed else before.status


def _reason(look: Look, before: Standing, *, is_confirmed: bool, successes: int) -> str:
    if look.failed or is_confirmed or not successes:
        return look.reason
    wanted = before.rhythm.success_threshold
    return f"It answers again: {successes} of {wanted} good looks in a row."
