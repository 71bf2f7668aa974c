"""Definitions as they are typed: files, and `key=value` for a probe or controller."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pydantic

from core.api import parsing
from core.errors import InvalidInput
from core.registry import Registry
from services.registry import files

STDIN = "-"


def document(path: Path) -> dict[str, Any]:
    """What a file, or stdin, holds: JSON or YAML. Raises InvalidInput, and OSError."""
    content = sys.stdin.buffer.read() if str(path) == STDIN else path.read_bytes()
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path} is not UTF-8: byte {error.start}.") from None
    if path.suffix == ".json" or text.lstrip().startswith("{"):
        return parsing.loads(content)
    return files.read(text)


def configuration(
    place: str, registry: Registry[Any], kind: str, assignments: Iterable[str]
) -> dict[str, Any]:
    """Of the type `kind`. A value is JSON where that fits the field, else text.

    Raises InvalidInput for an assignment without `=`, and for a key given twice.
    """
    found: dict[str, Any] = {"type": kind}
    fields = registry.get(kind).Configuration.model_fields if kind in registry else {}
    for assignment in assignments:
        key, sign, text = assignment.partition("=")
        if not sign or not key:
            message = f"{assignment}: write it as key=value."
            raise InvalidInput.field(f"{place}.{key}", "invalid", message)
        if key in found:
            message = f"{place}.{key}: this is given twice."
            raise InvalidInput.field(f"{place}.{key}", "repeated", message)
        found[key] = _value(fields.get(key), text)
    return found


def _value(field: Any, text: str) -> Any:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return text if field is not None and not _fits(field, value) and _fits(field, text) else value


def _fits(field: Any, value: Any) -> bool:
    try:
        pydantic.TypeAdapter(field.annotation).validate_json(json.dumps(value), strict=True)
    except pydantic.ValidationError:
        return False
    return True
