"""Which types of probes and controllers there are, and what each is configured with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from core.config.schema import whole, without_nul
from services.controllers import base as controllers
from services.probes import base as probes
from services.registry.definitions import OF_THE_INSTANCE, Definition


def kinds() -> dict[str, Any]:
    """{"probes", "controllers"}, by their names, without those of the instance's own parts;
    `schema` is the JSON Schema of a configuration with its type."""
    return {
        "probes": [
            {"type": kind.type, "title": kind.title, "schema": configuration(kind)}
            for kind in _choices(probes.registry)
        ],
        "controllers": [
            {
                "type": kind.type,
                "title": kind.title,
                "actions": sorted(kind.actions),
                "has_logs": kind.has_logs,
                "schema": configuration(kind),
            }
            for kind in _choices(controllers.registry)
        ],
    }


def configuration(kind: Any) -> dict[str, Any]:
    """The JSON Schema of a probe's or controller's configuration, with its type."""
    schema = whole(kind.Configuration.model_json_schema())
    return {
        **without_nul(schema),
        "title": kind.title,
        "properties": {"type": {"const": kind.type}, **without_nul(schema).get("properties", {})},
        "required": ["type", *schema.get("required", [])],
    }


def definition(*, is_change: bool) -> dict[str, Any]:
    """The JSON Schema of a definition, or of what a change of one may say: any of its keys, and
    null for what is to be as if it had never been said.

    What belongs to each type of probe and controller is not in it: with all of them it would be
    larger than the rest of the API together.
    """
    schema = without_nul(whole(Definition.model_json_schema()))
    properties = {
        **schema["properties"],
        "probe": _configured(probes.registry),
        "controller": {"anyOf": [_configured(controllers.registry), {"type": "null"}]},
    }
    if is_change:
        required = set(schema["required"])
        properties = {
            name: each if name in required else {"anyOf": [each, {"type": "null"}]}
            for name, each in properties.items()
        }
    return {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        **({} if is_change else {"required": schema["required"]}),
    }


def _configured(registry: Iterable[Any]) -> dict[str, Any]:
    names = [kind.type for kind in _choices(registry)]
    return {
        "type": "object",
        "description": "Of a type in `/services/types`, where the schema of each is.",
        "properties": {"type": {"type": "string", "enum": names}},
        "required": ["type"],
        "additionalProperties": True,
    }


def _choices(registry: Iterable[Any]) -> Iterator[Any]:
    chosen = (kind for kind in registry if kind.type != OF_THE_INSTANCE)
    yield from sorted(chosen, key=lambda kind: str(kind.type))
