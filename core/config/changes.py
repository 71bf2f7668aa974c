"""What a change asks for: checked key by key, with everything that is wrong at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from core import options
from core.config.overrides import Override, State, effective, is_secret, same, same_value
from core.config.secrets import MASK, Unreadable
from core.errors import Detail, InvalidInput
from core.options import Option

MAX_DETAILS = 500  # nobody reads more, and a small body must not become a huge answer
MAX_WHOLE = 2**53  # beyond it not every whole number is a float


@dataclass(frozen=True, slots=True)
class Change:
    """Of the override of one key; None is no override."""

    key: str
    before: Override | None
    after: Override | None

    @property
    def option(self) -> Option[Any] | None:
        """None when the option is not there now, as that of a plugin that is away."""
        return options.registry.get(self.key) if self.key in options.registry else None

    @property
    def needs_restart(self) -> bool:
        option = self.option
        if option is None or not option.restart:
            return False
        return not same_value(effective(option, self.before), effective(option, self.after))


def asked(values: Mapping[str, Any], state: State) -> list[Change]:
    """The real changes among `values`, nested by section or flat by key.

    null is back to the default; the mask leaves a secret as it is. Raises InvalidInput with a
    detail for each key that can't be changed so, for the first MAX_DETAILS of them.
    """
    problems: list[Detail] = []
    wanted: dict[str, Any] = {}
    for key, value in _flat(values, problems):
        if len(problems) >= MAX_DETAILS:
            break
        value = _whole(value)
        if key in wanted:
            problems.append(Detail(key, "repeated", "This key is given twice."))
        elif problem := _problem(key, value):
            problems.append(problem)
        else:
            wanted[key] = value
    refuse(problems)
    found = (_change(key, value, state.overrides.get(key)) for key, value in wanted.items())
    return [change for change in found if change is not None]


def _whole(value: Any) -> Any:
    """With 5.0 as 5, which is the same number in JSON."""
    if isinstance(value, float) and value.is_integer() and abs(value) < MAX_WHOLE:
        return int(value)
    if isinstance(value, list):
        return [_whole(each) for each in value]
    if isinstance(value, Mapping):
        return {key: _whole(each) for key, each in value.items()}
    return value


def refuse(problems: list[Detail]) -> None:
    """Raises InvalidInput unless there are none."""
    if problems:
        first = problems[0]
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise InvalidInput(
            f"Nothing was changed. {first.field}: {first.message}{more}", details=problems
        )


def _flat(values: Mapping[str, Any], problems: list[Detail]) -> Iterator[tuple[str, Any]]:
    sections = {option.section for option in options.registry}
    for name, value in values.items():
        if len(problems) >= MAX_DETAILS:
            return
        if "." in name:
            yield name, value
        elif name not in sections:
            known = ", ".join(sorted(sections)) or "none"
            message = f"There is no such section; known: {known}."
            problems.append(Detail(name, "unknown_section", message))
        elif not isinstance(value, Mapping):
            message = "This must be an object with options of the section."
            problems.append(Detail(name, "invalid_type", message))
        else:
            yield from ((f"{name}.{inner}", each) for inner, each in value.items())


def _problem(key: str, value: Any) -> Detail | None:
    if key not in options.registry:
        section = key.partition(".")[0]
        known = [option.name for option in options.registry if option.section == section]
        message = f"There is no such option; known in {section}: {', '.join(known) or 'none'}."
        return Detail(key, "unknown_key", message)
    option = options.registry.get(key)
    if option.secret and value == MASK:
        return None
    if not option.is_writable:
        how = f": {option.variable} in the environment decides it" if option.variable else ""
        return Detail(key, "read_only", f"This can't be changed here{how}.")
    return None if value is None else option.problem(value)


def _change(key: str, value: Any, before: Override | None) -> Change | None:
    option = options.registry.get(key)
    if (option.secret and value == MASK) or (value is None and before is None):
        return None
    if value is None:
        return Change(key, before, None)
    if before is None and same_value(option.normal(value), option.normal(option.default)):
        return None
    after = Override.of(option, value)
    return None if same(before, after) else Change(key, before, after)


def check_again(changes: list[Change]) -> None:
    """Raises InvalidInput for overrides of another time that can't be used now."""
    problems = []
    for change in changes:
        if change.after is None or change.option is None:
            continue
        try:
            problem = change.option.problem(change.after.reveal())
        except Unreadable as error:
            problem = Detail(change.key, "unreadable", str(error))
        if problem:
            problems.append(problem)
    refuse(problems)


def described(change: Change) -> dict[str, Any]:
    """`before` and `after`, null where the default counted, secrets masked."""
    return {
        "key": change.key,
        "before": None if change.before is None else change.before.shown(change.key),
        "after": None if change.after is None else change.after.shown(change.key),
        "default": _default(change),
    }


def _default(change: Change) -> Any:
    if change.option is None:
        return None
    return MASK if is_secret(change.key) else change.option.default
