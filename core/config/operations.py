"""Changing the configuration, taking changes back, and looking at what is secret."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.db import transaction

from core.access import audit
from core.access.actor import SYSTEM, Actor
from core.access.scopes import ADMIN_CONFIG
from core.alerts.operations import raise_alert
from core.api.etags import check_match
from core.config import changes, documents, history, journal, queries, watches
from core.config.changes import Change
from core.config.models import ConfigRevision, ConfigWatch, WatchState
from core.config.overrides import State, newest, same
from core.errors import Conflict
from core.events.operations import publish
from core.text import cut, remark

MAX_REASON = 500


class NotWatched(Conflict):
    code = "not_watched"


def change(
    *,
    values: Mapping[str, Any],
    actor: Actor,
    reason: str = "",
    if_match: str | None = None,
    dry_run: bool = False,
    watch_seconds: int | None = None,
) -> dict[str, Any]:
    """Set overrides, all of them or none, as one revision; null takes one away.

    `values` are nested by section or flat by key. `if_match` is a header If-Match with an
    ETag of `queries.etag`. With `watch_seconds` the change takes itself back when a critical
    component turns unhealthy within them. Returns `queries.outcome`.

    Raises PermissionDenied without the scope admin:config, InvalidInput with a detail for each
    key, PreconditionFailed, WatchInProgress.
    """
    actor.require(ADMIN_CONFIG)
    reason = remark("reason", reason, at_most=MAX_REASON)
    components: list[str] = []
    if watch_seconds is not None:
        watches.check_seconds(watch_seconds)
        components = [] if dry_run else watches.healthy_components()
    with journal.alone() as state:
        check_match(if_match, queries.etag(state))
        if watch_seconds is not None:
            watches.check_none_open()
        found = changes.asked(values, state)
        if dry_run or not found:
            return queries.outcome(found, state, dry_run=dry_run)
        revision = journal.write(found, state=state, actor=actor, reason=reason)
        watch = None
        if watch_seconds is not None:
            watch = watches.begin(revision, seconds=watch_seconds, components=components)
        return queries.outcome(found, newest(), watch=watch)


def rollback(
    *,
    number: int,
    actor: Actor,
    reason: str = "",
    if_match: str | None = None,
    dry_run: bool = False,
) -> dict[str, Any]:
    """Bring back the state of a revision, secrets too, as a new revision. Returns
    `queries.outcome`.

    Raises PermissionDenied without the scope admin:config, NotFound, PreconditionFailed, and
    InvalidInput for overrides of then that can't be used now.
    """

    def back(state: State) -> list[Change]:
        return history.between(state.revision, history.existing(number, state.revision))

    return _take_back(back, actor, reason, if_match, dry_run, rolled_back_to=number)


def revert(
    *,
    number: int,
    actor: Actor,
    reason: str = "",
    if_match: str | None = None,
    dry_run: bool = False,
) -> dict[str, Any]:
    """Take back what one revision changed, where nobody has changed it since. Ends its watch.

    Returns `queries.outcome`. Raises what `rollback` does.
    """

    def back(state: State) -> list[Change]:
        return _undone(history.get(number), state)

    return _take_back(back, actor, reason, if_match, dry_run, reverted=number)


def _take_back(
    find: Callable[[State], list[Change]],
    actor: Actor,
    reason: str,
    if_match: str | None,
    dry_run: bool,
    **origin: int,
) -> dict[str, Any]:
    actor.require(ADMIN_CONFIG)
    reason = remark("reason", reason, at_most=MAX_REASON)
    with journal.alone() as state:
        check_match(if_match, queries.etag(state))
        found = find(state)
        changes.check_again(found)
        if dry_run:
            return queries.outcome(found, state, dry_run=True)
        by = None
        if found:
            by = journal.write(found, state=state, actor=actor, reason=reason, **origin).number
        watched = origin.get("reverted")
        if watched and watches.end(watched, WatchState.REVERTED, f"Taken back by {actor}."):
            watches.note_reverted(watched, by=by)
        return queries.outcome(found, newest())


def _undone(revision: ConfigRevision, state: State) -> list[Change]:
    return [
        Change(each.key, each.after, each.before)
        for each in history.changes_of(revision)
        if same(state.overrides.get(each.key), each.after)
    ]


def revert_unhealthy(*, number: int, trouble: str) -> bool:
    """Take back a watched revision because of `trouble`, and tell a person.

    False when its watch has ended meanwhile: another process was quicker, or somebody kept it.
    """
    with journal.alone() as state:
        if not watches.end(number, WatchState.REVERTED, trouble):
            return False
        reason = cut(f"Revision {number} was taken back by itself: {trouble}", MAX_REASON)
        found = _undone(history.get(number), state)
        by = None
        if found:
            by = journal.write(
                found, state=state, actor=SYSTEM, reason=reason, reverted=number
            ).number
        watches.note_reverted(number, by=by)
        raise_alert(
            fingerprint=f"config.watch.{number}",
            source="config",
            severity="warning",
            title=f"Revision {number} of the configuration was taken back",
            message=f"{trouble}. See what it changed, then try again or leave it.",
            details={"revision": number, "reverted_by": by, "keys": [each.key for each in found]},
        )
        return True


@transaction.atomic
def keep(*, number: int, actor: Actor) -> ConfigWatch:
    """End the watch of a revision before its time, because it is good.

    Repeated: nothing more happens. Raises PermissionDenied without the scope admin:config,
    NotFound, and NotWatched when it was never watched or was taken back.
    """
    actor.require(ADMIN_CONFIG)
    revision = history.get(number)
    outcome = f"Kept by {actor}."
    if watches.end(number, WatchState.KEPT, outcome):
        details = {"revision": number}
        audit.record(actor=actor, action="config.keep", target=journal.SUBJECT, details=details)
        publish("config.kept", subject=journal.SUBJECT, payload=details, actor=str(actor))
    watch = ConfigWatch.objects.filter(revision=revision).first()
    if watch is None or watch.state != WatchState.KEPT:
        raise NotWatched(f"Revision {number} is not being watched.")
    return watch


def reveal(
    *, actor: Actor, state: State | None = None, section: str | None = None, sources: bool = False
) -> dict[str, Any]:
    """The configuration with its secrets, as `queries.document` or `queries.sources`; audited.

    Raises PermissionDenied without the scope admin:config, NotFound for an unknown section.
    """
    actor.require(ADMIN_CONFIG)
    state = state or newest()
    read = queries.sources if sources else queries.document
    found = read(state, section=section, masked=False)
    details = {"section": section, "revision": state.revision}
    audit.record(actor=actor, action="config.reveal", target=journal.SUBJECT, details=details)
    return found


def export(*, actor: Actor, with_secrets: bool = False) -> str:
    """The overrides as YAML that `import_document` takes; audited.

    Raises PermissionDenied without the scope admin:config, and InvalidInput naming the secrets
    that no key opens.
    """
    actor.require(ADMIN_CONFIG)
    state = newest()
    text = documents.write(queries.exported(state, with_secrets=with_secrets), state.revision)
    details = {"revision": state.revision, "with_secrets": with_secrets}
    audit.record(actor=actor, action="config.export", target=journal.SUBJECT, details=details)
    return text


def import_document(
    *, text: str, actor: Actor, reason: str = "", dry_run: bool = False
) -> dict[str, Any]:
    """Change what a YAML document says, as `change` does; what it doesn't name stays."""
    return change(values=documents.read(text), actor=actor, reason=reason, dry_run=dry_run)
