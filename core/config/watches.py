"""The rows of the watched changes: one at a time is open."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

from django.db.models import DurationField, ExpressionWrapper, F
from django.db.models.functions import Now

from core.config.models import ConfigRevision, ConfigWatch, WatchState
from core.errors import Conflict, InvalidInput
from core.health import checks
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
    critical = {each.name for each in checks.known_components() if each.critical}
    board.refresh(
        wanted=frozenset(
            f"{each.component}.{each.name}"
            for each in checks.registry
            if each.component in critical
        )
    )
    return [
        each.component.name
        for each in board.standings()
        if each.component.critical and each.health == Health.HEALTHY
    ]


def trouble(watch: ConfigWatch, *, age: float, is_settled: bool) -> str | None:
    """Which of its components turned unhealthy within the last `age` seconds, and why.

    One that this process has known as nothing else counts too, once the process has settled.
    """
    began = time.monotonic() - age
    for each in board.standings():
        name = each.component.name
        if name in watch.components:
            reason = board.trouble_since(name, began)
            if reason is None and is_settled and each.health == Health.UNHEALTHY:
                reason = each.reason or ""
            if reason is not None:
                return f"{name} turned unhealthy: {reason}"
    return None


def open_watch() -> tuple[ConfigWatch, float] | None:
    """The one that is open, and its age in seconds."""
    age = ExpressionWrapper(Now() - F("revision__created_at"), output_field=DurationField())
    watch = ConfigWatch.objects.filter(state=WatchState.WATCHING).annotate(age=age).first()
    return None if watch is None else (watch, watch.age.total_seconds())


def check_none_open() -> None:
    """Raises WatchInProgress. One whose time is up is closed."""
    end_in_time()
    if found := open_watch():
        watch, _ = found
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
