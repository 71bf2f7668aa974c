"""The options a manifest declares: which values an operator may give each."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

Bound = Annotated[int | float, Field(allow_inf_nan=False, ge=-(2**53), le=2**53)]
Choice = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Item = Annotated[str, StringConstraints(max_length=1000)]

NUMBERS = ("integer", "number")
LENGTHS = ("string", "strings")


class OptionSchema(BaseModel):
    """One option of a plugin.

    `minimum` and `maximum` bound a number, the length of a string, and how many strings a
    list has. `choices` belong to a `choice` alone.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    type: Literal["string", "integer", "number", "boolean", "choice", "strings"]
    default: bool | int | float | str | list[str]
    help: Annotated[str, StringConstraints(min_length=1, max_length=500)]
    unit: Annotated[str, StringConstraints(max_length=30)] = ""
    minimum: Bound | None = None
    maximum: Bound | None = None
    choices: Annotated[list[Choice], Field(min_length=1, max_length=100)] | None = None
    secret: bool = False

    @model_validator(mode="after")
    def _makes_sense(self) -> OptionSchema:
        if problem := self._problem():
            raise ValueError(problem)
        return self

    def _problem(self) -> str:
        bounds = [each for each in (self.minimum, self.maximum) if each is not None]
        if (self.type == "choice") != (self.choices is not None):
            return "choices belong to the type choice, which needs them"
        if bounds and self.type not in NUMBERS + LENGTHS:
            return f"minimum and maximum mean nothing for the type {self.type}"
        if self.type in LENGTHS and any(each < 0 or each != int(each) for each in bounds):
            return "minimum and maximum of a length are whole numbers from 0 up"
        if len(bounds) == 2 and bounds[0] > bounds[1]:
            return "minimum is above maximum"
        return ""

    @property
    def annotation(self) -> Any:
        """The type of the values, for `core.options.declare`."""
        if self.type in NUMBERS:
            of = int if self.type == "integer" else float
            return Annotated[of, Field(ge=self.minimum, le=self.maximum)]
        if self.type == "choice":
            return Literal[tuple(self.choices or ())]
        if self.type == "boolean":
            return bool
        least, most = (None if each is None else int(each) for each in (self.minimum, self.maximum))
        kind: Any = str if self.type == "string" else list[Item]
        return Annotated[kind, Field(min_length=least, max_length=most)]
