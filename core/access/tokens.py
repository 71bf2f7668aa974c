"""The text of an API key: `nxs_<12 id>_<43 secret><6 check>`.

The id finds the row, the secret (256 bits) is compared as HMAC-SHA-256 under a pepper from
the environment, the check (CRC-32) tells a mistyped key from a wrong one without a query.
"""

from __future__ import annotations

import hmac
import re
import secrets
import string
import zlib
from dataclasses import dataclass

from django.conf import settings

PREFIX = "nxs"
ALPHABET = string.digits + string.ascii_letters
ID_LENGTH, SECRET_LENGTH, CHECK_LENGTH = 12, 43, 6
_SHAPE = re.compile(
    rf"{PREFIX}_([0-9A-Za-z]{{{ID_LENGTH}}})_"
    rf"([0-9A-Za-z]{{{SECRET_LENGTH}}})([0-9A-Za-z]{{{CHECK_LENGTH}}})"
)


@dataclass(frozen=True, slots=True, repr=False)
class Token:
    """A well formed key; whether it is a good one is for the database to say."""

    key_id: str
    secret: str

    def __str__(self) -> str:
        body = f"{PREFIX}_{self.key_id}_{self.secret}"
        return body + _check(body)


def generate(key_id: str | None = None) -> Token:
    """A new secret, for `key_id` when a key is rotated."""
    return Token(key_id or _random(ID_LENGTH), _random(SECRET_LENGTH))


def parse(text: str) -> Token | None:
    """None when the text isn't a key or was mistyped."""
    shape = _SHAPE.fullmatch(text)
    if shape is None:
        return None
    token = Token(shape[1], shape[2])
    return token if str(token) == text else None


def pepper_in_use() -> int:
    return next(iter(settings.KEY_PEPPERS))


def digest(token: Token, pepper: int) -> bytes:
    """What the database keeps of a secret; equal to nothing when the pepper is gone."""
    known = settings.KEY_PEPPERS.get(pepper) or secrets.token_bytes(32)
    return hmac.digest(known, f"{token.key_id}{token.secret}".encode(), "sha256")


def _random(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def _check(body: str) -> str:
    number = zlib.crc32(body.encode())
    figures = []
    for _ in range(CHECK_LENGTH):
        number, figure = divmod(number, len(ALPHABET))
        figures.append(ALPHABET[figure])
    return "".join(reversed(figures))
