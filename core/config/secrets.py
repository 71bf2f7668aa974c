"""Secrets of the configuration at rest: encrypted under the keys of NEXUS_ENCRYPTION_KEYS.

The first key encrypts, all of them decrypt, so a new key is put in front and the old one taken
away after `manage.py config rotate-keys`.
"""

from __future__ import annotations

from typing import Any

import orjson
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

MASK = "***masked***"


class Unreadable(Exception):
    """No key of NEXUS_ENCRYPTION_KEYS opens this ciphertext."""

    def __init__(self) -> None:
        super().__init__(
            "No key in NEXUS_ENCRYPTION_KEYS opens the stored secret: set it anew, or give the "
            "key back."
        )


def _keyring() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.ENCRYPTION_KEYS])


def encrypt(value: Any) -> str:
    """The ciphertext of a JSON value."""
    return _keyring().encrypt(orjson.dumps(value)).decode()


def decrypt(ciphertext: str) -> Any:
    """Raises Unreadable."""
    try:
        return orjson.loads(_keyring().decrypt(ciphertext))
    except (InvalidToken, ValueError):
        raise Unreadable from None


def rotate(ciphertext: str) -> str:
    """The same secret under the first key; raises Unreadable."""
    try:
        return _keyring().rotate(ciphertext).decode()
    except (InvalidToken, ValueError):
        raise Unreadable from None
