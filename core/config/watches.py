"""The rows of the watched changes: one at a time is open."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models.functions import Now

from core.config.models import ConfigRevision, ConfigWatch, WatchState
from core.errors import Conflict, InvalidInput
from core.health.board import Health, board

MIN_SECONDS, MAX_SECONDS = 1, 3600
IN_TIME = "Nothing turned unhealthy in time."


class WatchInProgress(Conflict):
    code = "watch_in_progress"


def check_seconds(seconds: int) -> None:
    """Raises InvalidInput for a time that nobody watches."""
    if not MIN_SECONDS <= seconds <= MAX_SECONDS:
        message = f"A change is watched for {MIN_SECONDS} to {MAX_SECONDS} seconds."
        raise InvalidInput.field("watch", "out_of_range", message)


def healthy_components() -> list[str]:
    """The critical components that are healthy, as far as this process can see."""
    board.refresh()
    return [
        each.component.name
        for each in board.standings()
        if each.component.critical and each.health == Health.HEALTHY
    ]


def unhealthy(components: list[str]) -> str | None:
    """Which of them is unhealthy now and why, in a sentence."""
    for each in board.standings():
        if each.component.name in components and each.health == Health.UNHEALTHY:
            return f"{each.component.name} turned unhealthy: {each.reason}"
    return None


def open_watch() -> ConfigWatch | None:
    return ConfigWatch.objects.filter(state=WatchState.WATCHING).first()


def check_none_open() -> None:
    """Raises WatchInProgress. One whose time is up is closed."""
    end_in_time()
    if watch := open_watch():
        raise WatchInProgress(
            f"Revision {watch.revision_id} is being watched until {watch.until:%H:%M:%S} UTC; "
            f"wait for that, or keep it: POST /config/revisions/{watch.revision_id}/keep."
        )


def begin(revision: ConfigRevision, *, seconds: int, components: list[str]) -> ConfigWatch:
    watch = ConfigWatch.objects.create(
        revision=revision, until=Now() + timedelta(seconds=seconds), components=components
    )
    watch.refresh_from_db()
    return watch


def end(number: int, state: WatchState, outcome: str) -> bool:
    """Close the watch of a revision; False when it isn't open (any more)."""
    open_one = ConfigWatch.objects.filter(revision=number, state=WatchState.WATCHING)
    return bool(open_one.update(state=state, ended_at=Now(), outcome=outcome[:500]))


def note_reverted(number: int, *, by: int | None) -> None:
    ConfigWatch.objects.filter(revision=number, state=WatchState.REVERTED).update(reverted_by=by)


def end_in_time() -> int:
    """Keep what nobody had to take back until its time was up."""
    late = ConfigWatch.objects.filter(state=WatchState.WATCHING, until__lte=Now())
    return late.update(state=WatchState.KEPT, ended_at=Now(), outcome=IN_TIME)


def described(watch: ConfigWatch) -> dict[str, Any]:
    return {
        "state": watch.state,
        "until": watch.until,
        "components": watch.components,
        "ended_at": watch.ended_at,
        "outcome": watch.outcome or None,
        "reverted_by": watch.reverted_by,
    }
