"""Overrides as they are stored, and the newest state of them all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from django.db import connection

from core import options
from core.config import secrets
from core.config.secrets import MASK, Unreadable
from core.options import Option, Snapshot

# One statement, so that the entries and the revision are of the same moment.
READ = """
    SELECT newest.number, entry.key, entry.value::text, entry.ciphertext
    FROM (SELECT coalesce(max(number), 0) AS number FROM config_configrevision) AS newest
    LEFT JOIN config_configentry AS entry ON true
    ORDER BY entry.key
"""


@dataclass(frozen=True, slots=True)
class Override:
    """The value that somebody set for an option, a secret as its ciphertext."""

    value: Any = None
    ciphertext: str = ""

    @classmethod
    def of(cls, option: Option[Any], value: Any) -> Override:
        """`value` must fit the option."""
        plain = option.normal(value)
        return cls(ciphertext=secrets.encrypt(plain)) if option.secret else cls(value=plain)

    @classmethod
    def parse(cls, document: Mapping[str, Any] | None) -> Override | None:
        return None if document is None else cls(**document)

    def document(self) -> dict[str, Any]:
        """As a revision keeps it."""
        return {"ciphertext": self.ciphertext} if self.ciphertext else {"value": self.value}

    def reveal(self) -> Any:
        """The value; raises Unreadable."""
        return secrets.decrypt(self.ciphertext) if self.ciphertext else self.value

    def shown(self, key: str) -> Any:
        """The value for eyes that may not see secrets."""
        return MASK if self.ciphertext or is_secret(key) else self.value


@dataclass(frozen=True, slots=True)
class State:
    """All overrides by key, as of a revision."""

    revision: int
    overrides: Mapping[str, Override]

    def snapshot(self) -> Snapshot:
        """For `core.options`: with a problem for each override that can't be used."""
        values, problems = {}, {}
        for key, override in self.overrides.items():
            try:
                values[key] = override.reveal()
            except Unreadable as error:
                problems[key] = str(error)
        return options.checked(Snapshot(self.revision, values, problems))


def newest() -> State:
    """The state in the database now."""
    with connection.cursor() as cursor:
        cursor.execute(READ)
        rows = cursor.fetchall()
    return State(
        rows[0][0],
        {
            key: Override(ciphertext=ciphertext) if ciphertext else Override(json.loads(value))
            for _, key, value, ciphertext in rows
            if key is not None
        },
    )


def effective(option: Option[Any], override: Override | None) -> Any:
    """The value of the option with this override: environment > override > default."""
    overrides = {} if override is None else {option.key: override}
    return option.value_in(State(0, overrides).snapshot())


def is_secret(key: str) -> bool:
    return key in options.registry and options.registry.get(key).secret


def same_value(one: Any, other: Any) -> bool:
    """As JSON: true is not 1, and the order of keys doesn't matter."""
    return _canonical(one) == _canonical(other)


def _canonical(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def same(one: Override | None, other: Override | None) -> bool:
    """Whether both stand for the same value, perhaps encrypted twice."""
    if one is None or other is None:
        return one is other
    if one.ciphertext and one.ciphertext == other.ciphertext:
        return True
    try:
        return same_value(one.reveal(), other.reveal())
    except Unreadable:
        return False
