"""Plugins as the API, the pages and the command line tell them: as this process has them."""

from __future__ import annotations

from typing import Any

from core import options
from core.config.secrets import MASK
from core.options import Option
from plugins.catalogue import catalogue
from plugins.discovery import shown
from plugins.models import PluginState
from plugins.plugin import Plugin, verdict


def disabled() -> frozenset[str]:
    """The plugins that operators have disabled, whether they are there or not."""
    return frozenset(PluginState.objects.filter(enabled=False).values_list("id", flat=True))


def list_plugins() -> list[dict[str, Any]]:
    """Every plugin that was found, by id."""
    return [summary(each) for each in catalogue.all()]


def get_plugin(*, plugin_id: str) -> dict[str, Any]:
    """One plugin with all that is known of it. Raises NotFound."""
    plugin = catalogue.get(plugin_id)
    return {
        **summary(plugin),
        "folder": shown(plugin.folder),
        "traceback": plugin.traceback or None,
        "manifest": _manifest(plugin),
        "files": verdict(plugin),
        "configuration": [_option(each) for each in configuration(plugin)],
    }


def _manifest(plugin: Plugin) -> dict[str, Any] | None:
    """As it was read, but for the defaults of secrets."""
    if plugin.manifest is None:
        return None
    document = plugin.manifest.model_dump(mode="json")
    for declared in document["options"].values():
        if declared["secret"]:
            declared["default"] = MASK
    return document


def summary(plugin: Plugin) -> dict[str, Any]:
    manifest = plugin.manifest
    return {
        "id": plugin.id,
        "name": manifest.name if manifest else plugin.id,
        "version": manifest.version if manifest else None,
        "description": manifest.description if manifest else "",
        "state": plugin.state,
        "reason": plugin.reason,
        "restart_required": plugin.awaits_restart,
        "source": plugin.source,
        "permissions": list(manifest.permissions) if manifest else [],
        "dependencies": plugin.needs,
        "dependents": catalogue.dependents(plugin.id),
        "registered": [{"kind": each.kind, "name": each.name} for each in plugin.registered],
    }


def configuration(plugin: Plugin) -> list[Option[Any]]:
    """The options that it has now."""
    added = [each.name for each in plugin.registered if each.kind == "option"]
    return [options.registry.get(key) for key in added if key in options.registry]


def _option(option: Option[Any]) -> dict[str, Any]:
    overrides = options.current()
    return {
        "key": option.key,
        "help": option.help,
        "unit": option.unit,
        "secret": option.secret,
        "value": MASK if option.secret else option.value_in(overrides),
        "default": MASK if option.secret else option.default,
        "source": option.source_in(overrides),
        "schema": _schema(option),
    }


def _schema(option: Option[Any]) -> dict[str, Any]:
    schema = option.schema()
    return {name: value for name, value in schema.items() if name != "default"}
