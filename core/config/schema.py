"""The declarations as JSON Schema, for editors, forms and the OpenAPI document."""

from __future__ import annotations

from typing import Any

from core import options
from core.options import Option

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def document() -> dict[str, Any]:
    """JSON Schema 2020-12 of the whole configuration: sections with their options."""
    return {
        "$schema": DIALECT,
        "title": "Configuration of Nexus",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            section.name: {
                "title": section.title,
                **({"description": section.help} if section.help else {}),
                "type": "object",
                "additionalProperties": False,
                "properties": {
                    option.name: described(option)
                    for option in options.registry
                    if option.section == section.name
                },
            }
            for section in options.sections()
        },
    }


def described(option: Option[Any]) -> dict[str, Any]:
    """The schema of the option's values with what else is known of it.

    `unit` and `x-restart` (the roles to be restarted, and why) and `x-variable` (of the
    environment) are there where they apply.
    """
    described = {
        **values(option),
        "title": option.name.replace("_", " ").capitalize(),
        "description": option.help,
    }
    if option.secret:
        described["writeOnly"] = True
        described.pop("default", None)
    else:
        described["default"] = option.default
    if option.unit:
        described["unit"] = option.unit
    if not option.is_writable:
        described["readOnly"] = True
    if option.restart:
        described["x-restart"] = {"roles": list(option.restart), "reason": option.restart_reason}
    if option.variable:
        described["x-variable"] = option.variable
    return described


def values(option: Option[Any]) -> dict[str, Any]:
    """The schema of the values alone, whole in itself."""
    return whole(option.schema())


def whole(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema of pydantic's with its definitions where they are referred to."""
    definitions = schema.pop("$defs", {})
    inlined: dict[str, Any] = _inlined(schema, definitions, ())
    return inlined


def _inlined(node: Any, definitions: dict[str, Any], within: tuple[str, ...]) -> Any:
    """With each reference replaced by what it refers to; one to itself takes anything."""
    if isinstance(node, list):
        return [_inlined(each, definitions, within) for each in node]
    if not isinstance(node, dict):
        return node
    name = str(node.get("$ref", "")).removeprefix("#/$defs/")
    if name in definitions:
        if name in within:
            return {}
        rest = {key: each for key, each in node.items() if key != "$ref"}
        return {**_inlined(definitions[name], definitions, (*within, name)), **rest}
    found = {key: _inlined(each, definitions, within) for key, each in node.items()}
    if "patternProperties" in node:  # pydantic refuses other keys, but doesn't say so
        found.setdefault("additionalProperties", False)
    return found


def without_nul(node: Any) -> Any:
    """With the pattern of what PostgreSQL can hold at each text that has no other."""
    if isinstance(node, list):
        return [without_nul(each) for each in node]
    if not isinstance(node, dict):
        return node
    found = {key: without_nul(each) for key, each in node.items()}
    if "propertyNames" in node:
        found["propertyNames"] = without_nul({"type": "string", **node["propertyNames"]})
    if node.get("type") == "string" and not {"pattern", "enum", "format", "const"} & set(node):
        found["pattern"] = r"^[^\u0000]*$"
    return found
