"""Reading the configuration and its history."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.db.models import QuerySet

from core import options
from core.api.etags import etag_of
from core.config import changes, history, running, watches
from core.config.changes import Change
from core.config.models import ConfigRevision, ConfigWatch
from core.config.overrides import State, newest
from core.config.secrets import MASK, Unreadable
from core.errors import InvalidInput, NotFound
from core.options import Option

FIELDS = (
    "number", "created_at", "actor_kind", "actor_id", "actor_name", "reason", "request_id",
    "changes", "rolled_back_to", "reverted",
)  # fmt: skip

Document = dict[str, dict[str, Any]]


def document(
    state: State | None = None, *, section: str | None = None, masked: bool = True
) -> Document:
    """The effective values by section and name: environment > override > default.

    They are those of `state`, the newest when none is given, also where a process still has to
    be restarted to use them. Raises NotFound for an unknown section, naming the known ones.
    """
    snapshot = (state or newest()).snapshot()
    return _by_section(section, lambda option: _masked(option, option.value_in(snapshot), masked))


def sources(
    state: State | None = None, *, section: str | None = None, masked: bool = True
) -> Document:
    """Like `document` with, for each option, where its value comes from and what uses it yet.

    `pending_restart` is true while processes of the roles in `waiting` use another value until
    they are restarted: `running`. `problem` says why an override is not used.
    """
    state = state or newest()
    snapshot = state.snapshot()
    waits = running.waiting(state)

    def described(option: Option[Any]) -> dict[str, Any]:
        value = option.value_in(snapshot)
        waiting = waits.get(option.key)
        override = state.overrides.get(option.key)
        return {
            "value": _masked(option, value, masked),
            "source": option.source_in(snapshot),
            "default": _masked(option, option.default, masked),
            "writable": option.is_writable,
            "overridden": override is not None,
            "pending_restart": waiting is not None,
            "running": _masked(option, waiting.value if waiting else value, masked),
            "waiting": list(waiting.roles) if waiting else [],
            "problem": snapshot.problems.get(option.key),
        }

    return _by_section(section, described)


def etag(state: State | None = None) -> str:
    """Names what `document` shows; changes with every revision and with the environment."""
    state = state or newest()
    return etag_of({"revision": state.revision, "values": document(state)})


def exported(state: State, *, with_secrets: bool) -> Document:
    """The overrides of the options there are, by section. Raises InvalidInput for secrets
    that no key opens."""
    found: Document = {}
    for option in options.registry:
        override = state.overrides.get(option.key)
        if override is None or (option.secret and not with_secrets):
            continue
        try:
            found.setdefault(option.section, {})[option.name] = override.reveal()
        except Unreadable as error:
            message = f"{option.key}: {error}"
            raise InvalidInput.field(option.key, "unreadable", message) from None
    return found


def outcome(
    found: list[Change], state: State, *, dry_run: bool = False, watch: ConfigWatch | None = None
) -> dict[str, Any]:
    """What a change did, or would do: the answer to it. `state` is that after the change.

    `restart` says for each key that needs one which roles use it only afterwards, and why.
    """
    restarts = [change.option for change in found if change.needs_restart]
    return {
        "updated_keys": [change.key for change in found],
        "restart_required": bool(restarts),
        "restart": [
            {"key": each.key, "roles": list(each.restart), "reason": each.restart_reason}
            for each in restarts
            if each is not None
        ],
        "services_affected": sorted({role for each in restarts if each for role in each.restart}),
        "changes": [changes.described(change) for change in found],
        "revision": state.revision,
        "etag": etag(state),
        "dry_run": dry_run,
        "watch": watches.described(watch) if watch else None,
    }


def revisions() -> QuerySet[ConfigRevision, dict[str, Any]]:
    """The rows of the revisions, for a page of them by `number`."""
    return ConfigRevision.objects.values(*FIELDS)


def listed(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of `revisions` without the values."""
    return {
        "number": row["number"],
        "created_at": row["created_at"],
        "actor": {"kind": row["actor_kind"], "id": row["actor_id"], "name": row["actor_name"]},
        "reason": row["reason"],
        "request_id": row["request_id"],
        "keys": sorted(row["changes"]),
        "rolled_back_to": row["rolled_back_to"],
        "reverted": row["reverted"],
    }


def revision(number: int) -> dict[str, Any]:
    """One revision with its changes, secrets masked, and its watch. Raises NotFound."""
    found = history.get(number)
    watch = getattr(found, "watch", None)
    return {
        **listed({name: getattr(found, name) for name in FIELDS}),
        "changes": [changes.described(each) for each in history.changes_of(found)],
        "watch": watches.described(watch) if watch else None,
    }


def difference(first: int, second: int | None = None) -> dict[str, Any]:
    """From the state of one revision to that of another, or the newest; raises NotFound.

    0 is before the first change.
    """
    newest_number = history.newest_number()
    second = newest_number if second is None else second
    for number in (first, second):
        history.existing(number, newest_number)
    found = history.between(first, second)
    return {"from": first, "to": second, "changes": [changes.described(each) for each in found]}


def _by_section(section: str | None, describe: Any) -> Document:
    found: Document = {}
    for option in _options(section):
        found.setdefault(option.section, {})[option.name] = describe(option)
    return found


def _options(section: str | None) -> Iterator[Option[Any]]:
    names = [each.name for each in options.sections()]
    if section is not None and section not in names:
        known = ", ".join(sorted(names)) or "none"
        raise NotFound(f"There is no section named {section!r}; known: {known}.")
    for name in names if section is None else [section]:
        yield from (option for option in options.registry if option.section == name)


def _masked(option: Option[Any], value: Any, masked: bool) -> Any:
    return MASK if masked and option.secret else value
