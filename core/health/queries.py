"""How the instance is: documents made from the newest verdicts, never from a wait."""

from __future__ import annotations

from typing import Any


def status() -> dict[str, Any]:
    """The document of `/status`."""
    raise NotImplementedError


def components() -> dict[str, Any]:
    """The document of `/components/health`."""
    raise NotImplementedError


def health() -> tuple[dict[str, Any], bool]:
    """The document of `/health`, and whether the instance can serve."""
    raise NotImplementedError


def is_healthy(component: str) -> bool:
    """Whether the component has no failing check, as far as this process knows now."""
    raise NotImplementedError
