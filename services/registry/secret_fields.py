"""The secrets in a probe's or controller's configuration, kept apart from the rest of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pydantic
from pydantic import SecretStr

from core.config import secrets
from core.config.secrets import MASK

# The fields that say whom the secrets are told, and how well it is made sure that it is them.
_DESTINATION = re.compile(
    r"(\w+_)?(address|host|port|server|socket|url)|ca|ca_certificate|sslmode|tls|verify_tls"
)

Secrets = Mapping[str, str]  # values by path, such as "probe.password" or "probe.headers.token"


def split(configuration: pydantic.BaseModel, prefix: str) -> tuple[dict[str, Any], dict[str, str]]:
    """The configuration as JSON with masks for its secrets, and the secrets by path."""
    found = {
        path: value.get_secret_value()
        for path, value in _leaves(configuration.model_dump(), prefix)
        if isinstance(value, SecretStr)
    }
    masked = configuration.model_dump(mode="json", exclude_unset=True)
    return _replaced(masked, prefix, dict.fromkeys(found, MASK)), found


def joined(masked: Mapping[str, Any], prefix: str, known: Secrets) -> dict[str, Any]:
    """The configuration with its secrets in place of the masks, where they are known."""
    return _replaced(masked, prefix, {path: known[path] for path in known})


def masks(given: Any, prefix: str) -> Iterator[str]:
    """Where a mask stands."""
    return (path for path, value in _leaves(given, prefix) if value == MASK)


def destination(configuration: Any) -> Any:
    """What a configuration's secrets are meant for: its type and whom they are told. Masks keep
    them only while this stays, or whoever may change an address could have them sent to theirs.
    """
    if not isinstance(configuration, Mapping):
        return None
    return {
        name: value
        for name, value in configuration.items()
        if name == "type" or _DESTINATION.fullmatch(name)
    }


def encrypted(values: Secrets) -> str:
    """As a service stores them; "" for none."""
    return secrets.encrypt(dict(values)) if values else ""


def decrypted(ciphertext: str) -> dict[str, str]:
    """Raises core.config.secrets.Unreadable."""
    return dict(secrets.decrypt(ciphertext)) if ciphertext else {}


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}.{key}")
    elif isinstance(value, list | tuple):
        for position, inner in enumerate(value):
            yield from _leaves(inner, f"{path}.{position}")
    else:
        yield path, value


def _replaced(value: Any, path: str, by: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {key: _replaced(inner, f"{path}.{key}", by) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_replaced(inner, f"{path}.{n}", by) for n, inner in enumerate(value)]
    return by.get(path, value)
