"""One option: its declaration, its value, and what is wrong with another value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar, cast

import orjson
from pydantic import TypeAdapter, ValidationError

from core.errors import Detail
from core.options import snapshot
from core.options.snapshot import Snapshot
from core.registry import Registry

Value = TypeVar("Value")

MAX_BYTES = 64 * 1024  # of one value as JSON
_RANGE = ("greater_than", "less_than", "too_short", "too_long", "multiple_of")


class Unset:
    """No value was given."""

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Final = Unset()


@dataclass(frozen=True, eq=False)
class Option(Generic[Value]):
    """One thing that can be tuned, named `section.name`.

    `environment` is the value that the variable `variable` gives it; it wins over what
    operators say. `restart` names the roles of processes (web, worker, beat) that use a new
    value only after a restart, for the reason in `restart_reason`; without, every process
    uses it at once.
    """

    key: str
    default: Value
    adapter: TypeAdapter[Any]
    help: str
    unit: str = ""
    secret: bool = False
    read_only: bool = False
    variable: str = ""
    environment: Value | Unset = UNSET
    restart: tuple[str, ...] = ()
    restart_reason: str = ""

    @property
    def section(self) -> str:
        return self.key.partition(".")[0]

    @property
    def name(self) -> str:
        return self.key.partition(".")[2]

    @property
    def is_writable(self) -> bool:
        return not self.read_only and isinstance(self.environment, Unset)

    @property
    def value(self) -> Value:
        """The effective value in this process; a running task keeps the one it began with."""
        return self.value_in(snapshot.in_use())

    def value_in(self, overrides: Snapshot) -> Value:
        """The effective value with these overrides: environment > override > default."""
        if not isinstance(self.environment, Unset):
            return self.environment
        if self.read_only:
            return self.default
        return cast(Value, overrides.get(self.key, self.default))

    def source_in(self, overrides: Snapshot) -> str:
        """Where the value comes from: environment, override or default."""
        if not isinstance(self.environment, Unset):
            return "environment"
        is_override = self.key in overrides.overrides and self.key not in overrides.problems
        return "override" if is_override and not self.read_only else "default"

    def schema(self) -> dict[str, Any]:
        """JSON Schema of the values."""
        return self.adapter.json_schema()

    def normal(self, value: Any) -> Any:
        """A value that fits, as it is stored: 5 for a float is 5.0, an enum is its value."""
        return self.adapter.dump_python(self.adapter.validate_python(value), mode="json")

    def problem(self, value: Any) -> Detail | None:
        """What is wrong with `value` for this option; None when it fits."""
        try:
            written = orjson.dumps(self.adapter.validate_python(value))
        except ValidationError as error:
            return self._detail(error)
        except (TypeError, ValueError, RecursionError):
            return Detail(self.key, "invalid_type", "This must be a JSON value.")
        except Exception as error:  # of a validator, which may be a plugin's
            return Detail(self.key, "invalid", f"This can't be checked: {type(error).__name__}.")
        if len(written) > MAX_BYTES:
            return Detail(self.key, "too_large", f"This may take at most {MAX_BYTES} bytes.")
        if b"\\u0000" in written:
            return Detail(self.key, "invalid", "This must not contain a NUL character.")
        return None

    def _detail(self, error: ValidationError) -> Detail:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join([self.key, *map(str, first["loc"])])
        code = "invalid"
        if first["type"].endswith("_type") or first["type"] == "int_from_float":
            code = "invalid_type"
        elif any(part in first["type"] for part in _RANGE):
            code = "out_of_range"
        return Detail(where, code, f"{first['msg']}.")


registry: Registry[Option[Any]] = Registry("option")
