"""Changing one rule: a change of the configuration that leaves the others as they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.access.actor import Actor
from core.access.scopes import ADMIN_CONFIG
from core.config import operations as config
from core.config.overrides import newest, same_value
from core.config.queries import etag
from core.errors import Conflict, NotFound, PreconditionFailed
from core.metrics.rules import queries
from core.metrics.rules.declared import KEY, RULES, checked

ATTEMPTS = 5  # others may change other options at the same moment

Document = dict[str, Any]


class RuleChanged(Conflict):
    code = "rule_changed"


class RuleExists(Conflict):
    code = "rule_exists"


class RulesUnusable(Conflict):
    code = "rules_unusable"


def create(*, name: str, document: Mapping[str, Any], actor: Actor, reason: str) -> Document:
    """Add a rule; returns `core.config.queries.outcome`.

    Raises PermissionDenied without the scope admin:config, RuleExists, RulesUnusable while what
    is stored doesn't fit (any more), and InvalidInput naming the field of the document, or
    `name`.
    """
    checked(name, document)
    return _change(name, dict(document), seen=None, actor=actor, reason=reason)


def replace(
    *, name: str, document: Mapping[str, Any], seen: Mapping[str, Any], actor: Actor, reason: str
) -> Document:
    """Put another rule in the place of the one that was `seen`.

    Raises what `create` does, NotFound when it is gone, and RuleChanged when it isn't any more
    as it was seen: nothing of others is overwritten.
    """
    checked(name, document)
    return _change(name, dict(document), seen=dict(seen), actor=actor, reason=reason)


def delete(*, name: str, seen: Mapping[str, Any], actor: Actor, reason: str) -> Document:
    """Take a rule away; its alert is resolved. Raises what `replace` does."""
    return _change(name, None, seen=dict(seen), actor=actor, reason=reason)


def switch(*, name: str, enabled: bool, actor: Actor, reason: str) -> Document:
    """Let a rule be evaluated, or not. Raises what `replace` does."""
    actor.require(ADMIN_CONFIG)
    if (seen := queries.documents().get(name)) is None:
        raise _gone(name)
    document = {**seen, "enabled": enabled}
    return _change(name, document, seen=seen, actor=actor, reason=reason)


def _change(
    name: str, document: Document | None, *, seen: Document | None, actor: Actor, reason: str
) -> Document:
    for _ in range(ATTEMPTS - 1):
        try:
            return _attempt(name, document, seen=seen, actor=actor, reason=reason)
        except PreconditionFailed:
            continue
    return _attempt(name, document, seen=seen, actor=actor, reason=reason)


def _attempt(
    name: str, document: Document | None, *, seen: Document | None, actor: Actor, reason: str
) -> Document:
    """Raises PreconditionFailed when anything of the configuration was changed meanwhile."""
    state = newest()
    snapshot = state.snapshot()
    if problem := snapshot.problems.get(KEY):
        raise RulesUnusable(
            "The rules that are stored can't be used, and those that are shown would take their"
            f" place: {problem} Correct {KEY} in the configuration first."
        )
    rules = dict(RULES.value_in(snapshot))
    _check_seen(name, rules.get(name), seen)
    if document is None:
        del rules[name]
    else:
        rules[name] = document
    return config.change(values={KEY: rules}, actor=actor, reason=reason, if_match=etag(state))


def _check_seen(name: str, found: Document | None, seen: Document | None) -> None:
    if seen is None and found is not None:
        raise RuleExists(f"There is a rule {name} already. Give this one another name.")
    if seen is not None and found is None:
        raise _gone(name)
    if seen is not None and not same_value(seen, found):
        raise RuleChanged(
            f"Somebody has changed the rule {name} meanwhile. Look at it as it is now, then"
            " decide again."
        )


def _gone(name: str) -> NotFound:
    return NotFound(f"There is no rule named {name!r} any more.")
