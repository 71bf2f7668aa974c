"""Values as they are typed: `section.name=value`."""

from __future__ import annotations

import json
from typing import Any

from core import options
from core.errors import InvalidInput


def parsed(assignments: list[str]) -> dict[str, Any]:
    """By key. A value is JSON when that fits the option, else text: 5, true, null, warm.

    Raises InvalidInput for one without a `=`, and for a key given twice.
    """
    found: dict[str, Any] = {}
    for assignment in assignments:
        key, sign, text = assignment.partition("=")
        if not sign or "." not in key:
            message = f"{assignment}: Write it as section.name=value."
            raise InvalidInput.field(assignment, "invalid", message)
        if key in found:
            raise InvalidInput.field(key, "repeated", f"{key}: This key is given twice.")
        found[key] = _value(key, text)
    return found


def _value(key: str, text: str) -> Any:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    if value is None or key not in options.registry:
        return value
    option = options.registry.get(key)
    return text if option.problem(value) and not option.problem(text) else value
