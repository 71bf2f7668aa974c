"""What somebody typed on the page of the configuration, carried from step to step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict

from core import options
from core.config import secrets
from core.config.admin.fields import Field, Kind, Untypable
from core.config.secrets import Unreadable
from core.errors import Detail

WAS, SEALED, BACK = "was:", "sealed:", "back"  # names of what stands beside the fields


@dataclass(frozen=True)
class Edits:
    """By key the text of each field that is not as it `was` shown, and what goes `back` to its
    default.

    A typed secret is sealed at once: no page that follows has it, only its ciphertext.
    """

    texts: dict[str, str] = field(default_factory=dict)
    was: dict[str, str] = field(default_factory=dict)
    sealed: dict[str, str] = field(default_factory=dict)
    back: frozenset[str] = frozenset()

    @classmethod
    def read(cls, post: QueryDict) -> Edits:
        """Of a form that has, for each field `key`, its text when it was shown as `was:key`."""
        texts, was, sealed = {}, {}, {}
        for name in post:
            key = name.removeprefix(WAS)
            if key == name:
                continue
            if _kind(key) == Kind.SECRET:
                typed = post.get(key)
                if token := _seal(key, typed) if typed else post.get(SEALED + key):
                    sealed[key] = token
            else:
                text, shown = _lines(post, key, _absent(key)), _lines(post, name)
                if text != shown:
                    texts[key], was[key] = text, shown
        return cls(texts, was, sealed, frozenset(post.getlist(BACK)))

    def values(self) -> tuple[dict[str, Any], list[Detail]]:
        """What `operations.change` takes, and what can't be said to it."""
        values: dict[str, Any] = dict.fromkeys(self.back)
        problems = []
        for key, text in self.texts.items():
            if key in self.back:
                continue
            try:
                values[key] = _value(key, text)
            except Untypable as error:
                problems.append(error.detail)
        for key, token in self.sealed.items():
            if key in self.back:
                continue
            try:
                values[key] = _unseal(key, token)
            except Untypable as error:
                problems.append(error.detail)
        return values, problems

    def hidden(self) -> Iterator[tuple[str, str]]:
        """The fields from which `read` makes the same again."""
        for key, text in self.texts.items():
            yield key, text
            yield WAS + key, self.was[key]
        for key, token in self.sealed.items():
            yield SEALED + key, token
            yield WAS + key, ""
        for key in sorted(self.back):
            yield BACK, key


def _kind(key: str) -> Kind | None:
    return Field(options.registry.get(key)).kind if key in options.registry else None


def _absent(key: str) -> str:
    return "false" if _kind(key) == Kind.SWITCH else ""


def _lines(post: QueryDict, name: str, absent: str = "") -> str:
    """The text of a field; forms send each end of a line as two characters."""
    return str(post.get(name, absent)).replace("\r\n", "\n")


def _value(key: str, text: str) -> Any:
    return Field(options.registry.get(key)).value(text) if key in options.registry else text


def _seal(key: str, text: str) -> str:
    return secrets.encrypt([key, text])


def _unseal(key: str, token: str) -> Any:
    try:
        sealed_for, text = secrets.decrypt(token)
    except (Unreadable, TypeError, ValueError):
        sealed_for, text = None, ""
    if sealed_for != key:
        raise Untypable(Detail(key, "unreadable", "Type the secret again."))
    return _value(key, text)
