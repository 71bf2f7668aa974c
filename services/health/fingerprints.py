"""Which errors are alike: those that differ only in numbers, ids, addresses and quoted text."""

from __future__ import annotations

import re
from hashlib import blake2b

SIZE = 16  # bytes; a fingerprint has twice as many characters

_VARIES = re.compile(
    r"""
      (?P<quoted> "[^"]*" | (?<![\w'])'[^']*' | `[^`]*` )
    | (?P<uuid> \b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b )
    | (?P<address> \b\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?\b
        | \[?(?<![\w:])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?![\w:])(?:\]:\d{1,5})? )
    | (?P<hex> \b0x[0-9a-f]+\b | \b(?=[a-f]*\d)[0-9a-f]{7,}\b )
    | (?P<number> \d+(?:[.,]\d+)* )
    """,
    re.VERBOSE | re.IGNORECASE,
)


def pattern(error: str) -> str:
    """The error with a name for each thing in it that varies."""
    varying = _VARIES.sub(lambda found: f"<{found.lastgroup}>", error)
    return " ".join(varying.split())


def fingerprint(error: str) -> str:
    return blake2b(pattern(error).encode(), digest_size=SIZE).hexdigest()
