"""Enabling and disabling plugins."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from core.access import audit
from core.access.actor import Actor
from core.access.scopes import ADMIN_PLUGINS
from core.errors import Conflict
from core.events.operations import publish
from core.health import transitions
from core.locks import lock_for_transaction
from core.processes import control
from core.processes.control import BroadcastResult
from plugins.catalogue import OFF, catalogue
from plugins.following import DISABLE, ENABLE
from plugins.models import PluginState
from plugins.plugin import Plugin, State

WAIT_SECONDS = 5.0
WORST_FIRST = (State.FAILED, State.LOADED, State.ACTIVE, State.DISABLED)


class DependentsActive(Conflict):
    code = "dependents_active"


class AutoLoadOff(Conflict):
    code = "auto_load_off"


def enable(*, plugin_id: str, actor: Actor) -> dict[str, Any]:
    """Use the plugin in every process, and after every start; one that failed is tried again.

    Returns how that went, as `_outcome` says. Repeated, it changes nothing more. Raises
    NotFound, PermissionDenied, and AutoLoadOff while no plugin is loaded at all.
    """
    actor.require(ADMIN_PLUGINS)
    plugin = catalogue.get(plugin_id)
    if not catalogue.auto_load:
        raise AutoLoadOff(f"{OFF}: turn it on and restart, then enable {plugin_id}.")
    _decide(plugin, enabled=True, actor=actor)
    return _tell(plugin, ENABLE)


def disable(*, plugin_id: str, actor: Actor) -> dict[str, Any]:
    """Take what the plugin registered out of every process, and don't load it at a start.

    Returns how that went, as `_outcome` says. Repeated, it changes nothing more. Raises
    NotFound, PermissionDenied, and DependentsActive naming those that need it.
    """
    actor.require(ADMIN_PLUGINS)
    plugin = catalogue.get(plugin_id)
    _decide(plugin, enabled=False, actor=actor)
    outcome = _tell(plugin, DISABLE)
    for component in plugin.components:
        transitions.withdraw(component)
    return outcome


@transaction.atomic
def _decide(plugin: Plugin, *, enabled: bool, actor: Actor) -> None:
    lock_for_transaction("plugins.state")
    row = PluginState.objects.filter(pk=plugin.id).first() or PluginState(id=plugin.id)
    if not enabled and row.enabled and (found := catalogue.dependents(plugin.id)):
        raise DependentsActive(
            f"{', '.join(found)} need {plugin.id}: disable them first.",
            extra={"dependents": found},
        )
    if row.enabled == enabled:
        return
    row.enabled, row.changed_at, row.changed_by = enabled, Now(), str(actor)[:200]
    row.save()
    details = {"version": plugin.manifest.version if plugin.manifest else None}
    verb = "enable" if enabled else "disable"
    audit.record(actor=actor, action=f"plugin.{verb}", target=plugin.id, details=details)
    publish(f"plugin.{verb}d", subject=plugin.id, payload=details, actor=str(actor))


def _tell(plugin: Plugin, command: str) -> dict[str, Any]:
    result = control.broadcast(command, {"id": plugin.id}, wait_seconds=WAIT_SECONDS)
    return _outcome(plugin, result)


def _outcome(plugin: Plugin, result: BroadcastResult) -> dict[str, Any]:
    """The state of the plugin: that of the process in which it is worst. `restart_required`
    is true while some process does more or less than that until it restarts, `unanswered` are
    the processes that did not say they did it."""
    own = {
        "state": plugin.state, "reason": plugin.reason, "restart_required": plugin.awaits_restart
    }  # fmt: skip
    answers = [own, *result.answers.values()]
    worst = min(answers, key=lambda each: WORST_FIRST.index(State(each["state"])))
    return {
        "id": plugin.id,
        "state": worst["state"],
        "reason": worst["reason"],
        "restart_required": any(each["restart_required"] for each in answers),
        "unanswered": result.unanswered,
    }


def told(outcome: dict[str, Any]) -> str:
    """The outcome for people, in sentences."""
    because = f": {outcome['reason']}" if outcome["reason"] else ""
    sentences = [f"{outcome['id']} is {outcome['state']}{because}."]
    if outcome["restart_required"]:
        sentences.append("A part of it begins or ends when the processes restart.")
    if outcome["unanswered"]:
        sentences.append(f"No answer from {', '.join(outcome['unanswered'])}.")
    return " ".join(sentences)
