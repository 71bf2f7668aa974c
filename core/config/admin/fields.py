"""From the type of an option to the field it is typed in, and back from the text to the value."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

from core.api.parsing import value_of
from core.config import schema
from core.errors import Detail, InvalidInput
from core.options import Option


class Kind(StrEnum):
    SWITCH = "switch"
    CHOICE = "choice"
    NUMBER = "number"
    TEXT = "text"
    LINES = "lines"  # text that has more than one
    DOCUMENT = "document"  # a list, an object or anything else, as JSON
    SECRET = "secret"  # noqa: S105 - a kind of field, no password


class Untypable(Exception):
    """A text that no value of the option is written as; `detail` says why."""

    def __init__(self, detail: Detail) -> None:
        super().__init__(detail.message)
        self.detail = detail


@dataclass(frozen=True)
class Field:
    """How the values of one option are written and read on a page."""

    option: Option[Any]

    @cached_property
    def schema(self) -> dict[str, Any]:
        return schema.values(self.option)

    @cached_property
    def kind(self) -> Kind:
        type_ = self.schema.get("type")
        if self.option.secret:
            return Kind.SECRET
        if self.choices:
            return Kind.CHOICE
        if type_ == "boolean":
            return Kind.SWITCH
        if type_ in ("integer", "number"):
            return Kind.NUMBER
        return Kind.TEXT if type_ == "string" else Kind.DOCUMENT

    @cached_property
    def choices(self) -> list[Any]:
        """The values there are, where the type names them."""
        given = self.schema.get("enum", [])
        return given or ([self.schema["const"]] if "const" in self.schema else [])

    @property
    def is_text(self) -> bool:
        return self.schema.get("type") == "string"

    @property
    def minimum(self) -> int | float | None:
        """The least that a number may be; None where there is none, or it is only approached."""
        return self._bound("minimum", "exclusiveMinimum", 1)

    @property
    def maximum(self) -> int | float | None:
        return self._bound("maximum", "exclusiveMaximum", -1)

    def _bound(self, name: str, exclusive: str, step: int) -> int | float | None:
        if exclusive in self.schema and self.schema.get("type") == "integer":
            found: int = self.schema[exclusive] + step
            return found
        return self.schema.get(name)

    @property
    def step(self) -> str:
        """As the attribute of an input has it."""
        usual = 1 if self.schema.get("type") == "integer" else "any"
        return str(self.schema.get("multipleOf", usual))

    @property
    def bounds(self) -> str:
        """The range of a number in words, empty without one."""
        low, high = self.minimum, self.maximum
        above, below = self.schema.get("exclusiveMinimum"), self.schema.get("exclusiveMaximum")
        first = f"{low:,}" if low is not None else f"above {above:,}" if above is not None else ""
        last = f"{high:,}" if high is not None else f"below {below:,}" if below is not None else ""
        if low is not None and high is not None:
            return f"{first} to {last}"
        words = (f"at least {first}" if low is not None else first,
                 f"at most {last}" if high is not None else last)  # fmt: skip
        return ", ".join(word for word in words if word)

    def text(self, value: Any) -> str:
        """The value as it stands in the field; nothing for a secret."""
        if self.kind == Kind.SECRET:
            return ""
        if isinstance(value, str) and (self.is_text or self.kind == Kind.CHOICE):
            return value
        indent = 2 if self.kind == Kind.DOCUMENT else None
        return json.dumps(value, indent=indent, ensure_ascii=False)

    def shown(self, value: Any) -> str:
        """The value as people read it beside others; not for secrets."""
        if isinstance(value, bool):
            return "on" if value else "off"
        if value == "":
            return "empty"
        if isinstance(value, list | dict):
            return json.dumps(value, indent=2, ensure_ascii=False) if value else "none"
        unit = f" {self.option.unit}" if self.option.unit else ""
        return f"{value:,}{unit}" if isinstance(value, int | float) else f"{value}{unit}"

    def value(self, text: str) -> Any:
        """What the text stands for; whether it fits is for the operation to say.

        Raises Untypable.
        """
        if self.kind == Kind.CHOICE:
            return next((each for each in self.choices if self.text(each) == text), text)
        if self.is_text:
            return text
        if not text.strip():
            raise self._untypable("empty", "Give a value.")
        try:
            found = value_of(text.encode())
        except InvalidInput as error:
            first = error.details[0]
            if self.kind == Kind.NUMBER:
                return text
            place = f"{first.field}: " if first.field else ""
            raise self._untypable(
                first.code, f"This must be JSON. {place}{first.message}"
            ) from None
        if found is None:
            raise self._untypable("invalid", "null is not a value.")
        return found

    def _untypable(self, code: str, message: str) -> Untypable:
        return Untypable(Detail(self.option.key, code, message))
