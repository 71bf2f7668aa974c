"""Globs on the keys as the code that uses the cache names them.

`*` any text, `?` one character, `[ab]`, `[a-z]`, `[^a]` one of these (or none of them), `\\`
before a character that stands for itself. The server is given a wider and simpler pattern,
for its matching takes ever longer with every star; each key it finds is looked at here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from core.errors import InvalidInput
from core.text import is_storable

LONGEST = 250
STARS_FOR_SERVER = 2  # of the pattern's own: the version before it takes another
_SPECIAL = re.compile(r"([*?\[\]\\^-])")


@dataclass(frozen=True)
class Pattern:
    """What a glob says, for the server's `SCAN MATCH` and for this process."""

    text: str
    server: str  # without the prefix and the version of the keys
    regex: re.Pattern[str]

    def matches(self, key: str) -> bool:
        return self.regex.fullmatch(key) is not None


@dataclass(frozen=True, slots=True)
class Part:
    """Of the pattern: `*`, `?`, a class like `[a-z]`, or one character that is itself."""

    kind: str
    text: str = ""
    negated: bool = False


def parse(text: str, *, field: str = "pattern") -> Pattern:
    """Raises InvalidInput naming `field` for a pattern that is none."""
    if not text or len(text) > LONGEST:
        raise InvalidInput.field(field, "out_of_range", f"Give 1 to {LONGEST} characters.")
    if not is_storable(text):
        raise InvalidInput.field(field, "invalid", "NUL and lone surrogates are in no key.")
    parts = list(_parts(text, field))
    return Pattern(text, _for_server(parts), re.compile(_for_regex(parts), re.DOTALL))


def literal(text: str) -> str:
    """As the server's glob for just this text."""
    return _SPECIAL.sub(r"\\\1", text)


def _parts(text: str, field: str) -> Iterator[Part]:
    position, star = 0, False
    while position < len(text):
        character = text[position]
        position += 1
        if character == "*":
            if not star:
                yield Part("star")
            star = True
            continue
        star = False
        if character == "?":
            yield Part("any")
        elif character == "[":
            end = _end_of_class(text, position)
            if end < 0:
                raise InvalidInput.field(field, "invalid", "A [ has no ]; write \\[ for itself.")
            inside = text[position:end]
            yield Part("class", inside.removeprefix("^"), negated=inside.startswith("^"))
            position = end + 1
        elif character == "\\":
            if position == len(text):
                raise InvalidInput.field(field, "invalid", "Nothing follows the last \\.")
            yield Part("character", text[position])
            position += 1
        else:
            yield Part("character", character)


def _end_of_class(text: str, position: int) -> int:
    while position < len(text):
        if text[position] == "\\":
            position += 1
        elif text[position] == "]":
            return position
        position += 1
    return -1


def _for_server(parts: list[Part]) -> str:
    """Wider than the pattern where it must be: the server counts bytes, not characters."""
    written: list[str] = []
    stars = 0
    for part in parts:
        if part.kind == "character":
            written.append(literal(part.text))
        elif not written or written[-1] != "*":
            written.append("*")
            stars += 1
            if stars == STARS_FOR_SERVER:
                break
    return "".join(written)


def _for_regex(parts: list[Part]) -> str:
    """Each star but the last takes as little as it can and never gives it back (an atomic
    group), so that no key takes more than one pass for each star."""
    pieces: list[list[str]] = [[]]
    for part in parts:
        if part.kind == "star":
            pieces.append([])
        else:
            pieces[-1].append(_piece(part))
    first, *rest = ["".join(piece) for piece in pieces]
    if not rest:
        return first
    *middle, last = rest
    return first + "".join(f"(?>.*?{piece})" for piece in middle) + ".*" + last


def _piece(part: Part) -> str:
    if part.kind == "any":
        return "."
    if part.kind == "character":
        return re.escape(part.text)
    return _class(part)


def _class(part: Part) -> str:
    members: list[str] = []
    text, position = part.text, 0

    def character() -> str:
        nonlocal position
        position += text[position] == "\\" and position + 1 < len(text)
        position += 1
        return text[position - 1]

    while position < len(text):
        low = high = character()
        if position + 1 < len(text) and text[position] == "-":
            position += 1
            low, high = sorted((low, character()))
        members.append(f"{re.escape(low)}-{re.escape(high)}")
    if not members:
        return "." if part.negated else "(?!)"
    return f"[{'^' if part.negated else ''}{''.join(members)}]"
