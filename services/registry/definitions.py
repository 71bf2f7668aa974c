"""What a service's definition may say, and how it is checked."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar

import pydantic
from pydantic import AfterValidator, Field, JsonValue, StringConstraints

from core.api import parsing
from core.config.secrets import Unreadable
from core.errors import Detail, InvalidInput
from core.registry import Registry
from core.text import is_storable
from services.controllers import base as controllers
from services.controllers.base import Controller
from services.probes import base as probes
from services.probes.base import Probe
from services.registry import secret_fields

RESERVED = frozenset({"export", "graph", "import", "types"})  # addresses below /services
NOTHING_STORED = "No secret is stored here for this type and address: give it instead of the mask."
OF_THE_INSTANCE = "part"  # the probe and controller of the instance's own parts


def _storable(text: str) -> str:
    if not is_storable(text):
        raise ValueError("This must not contain NUL or lone surrogates")
    return text


def _not_reserved(name: str) -> str:
    if name in RESERVED:
        raise ValueError(f"No service can be named {name}: it is an address of the API")
    return name


Text = AfterValidator(_storable)
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
Name = Annotated[Slug, AfterValidator(_not_reserved)]
Tag = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/=-]{0,62}$")]
Node = Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]{0,62})?$")]
_CLOSED = pydantic.ConfigDict(extra="forbid", frozen=True)


class Objective(pydantic.BaseModel):
    """The share of time that it is to be up, and over how many days that is measured."""

    model_config = _CLOSED

    target_percent: Annotated[float, Field(gt=0, lt=100)]
    days: Annotated[int, Field(ge=1, le=90)] = 30


class RestartPolicy(pydantic.BaseModel):
    """When the instance restarts it by itself, and when it gives up.

    After `after_failures` failed looks in a row; each further attempt waits twice as long as the
    one before, from `backoff_seconds` to `max_backoff_seconds`; after `max_attempts` without
    it becoming healthy a person is told.
    """

    model_config = _CLOSED

    after_failures: Annotated[int, Field(ge=1, le=100)] = 3
    max_attempts: Annotated[int, Field(ge=1, le=100)] = 5
    backoff_seconds: Annotated[float, Field(ge=1, le=3600)] = 10.0
    max_backoff_seconds: Annotated[float, Field(ge=1, le=86_400)] = 600.0


class Definition(pydantic.BaseModel):
    """A service as people write it, in JSON and YAML."""

    model_config = _CLOSED

    name: Name
    type: Annotated[str, Field(min_length=1, max_length=63), Text]
    description: Annotated[str, Field(max_length=500), Text] = ""
    owner: Annotated[str, Field(max_length=200), Text] = ""
    tags: Annotated[tuple[Tag, ...], Field(max_length=50)] = ()
    node: Node = ""
    criticality: Literal["low", "normal", "critical"] = "normal"
    probe: dict[str, JsonValue]
    controller: dict[str, JsonValue] | None = None
    dependencies: Annotated[tuple[Slug, ...], Field(max_length=100)] = ()
    config: Annotated[dict[str, JsonValue], Field(max_length=100)] = {}
    slo: Objective | None = None
    restart_policy: RestartPolicy | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """A valid definition; its probe and controller as they are stored, and their secrets."""

    definition: Definition
    probe: dict[str, Any]
    controller: dict[str, Any] | None
    secrets: dict[str, str]


def check(
    document: Mapping[str, Any],
    *,
    known: secret_fields.Secrets | None = None,
    kept: Collection[str] = (),
    is_part: bool = False,
) -> Checked:
    """Check all of a definition; a mask in it stands for the secret `known` at that place.

    `kept` are those of probe and controller that are as they are stored: they are not looked
    at, so that what its type no longer takes doesn't stand in the way of another change.
    Only for `is_part` may they be those of the instance's own parts. Raises InvalidInput with
    a detail for every wrong field.
    """
    document = _plain(document)
    problems: list[Detail] = []
    definition = _validated(Definition, document, "", problems)
    parts: dict[str, dict[str, Any] | None] = {"probe": None, "controller": None}
    secrets = {path: value for path, value in (known or {}).items() if _place(path) in kept}
    for place in parts:
        given = document.get(place)
        if not isinstance(given, dict):
            continue
        if place in kept:
            parts[place] = given
            continue
        made = _typed(place, given, _choices(place, is_part), known or {}, problems)
        if made is not None:
            masked, found = secret_fields.split(made, place)
            parts[place] = {"type": given["type"], **_pace(made), **masked}
            secrets |= found
    if problems or definition is None or parts["probe"] is None:
        raise InvalidInput(_summary(problems), details=problems)
    return Checked(definition, parts["probe"], parts["controller"], secrets)


def probe_of(masked: Mapping[str, Any], secrets: secret_fields.Secrets) -> Probe:
    """The probe that a stored definition describes. Raises NotFound for a type that is gone,
    pydantic.ValidationError for a configuration that its type no longer takes, Unreadable
    when a secret is not among `secrets`."""
    return _made(probes.registry, masked, "probe", secrets)


def controller_of(masked: Mapping[str, Any], secrets: secret_fields.Secrets) -> Controller:
    """The controller that a stored definition describes. Raises as `probe_of` does."""
    return _made(controllers.registry, masked, "controller", secrets)


def _made(registry: Registry[Any], masked: Mapping[str, Any], place: str, secrets: Any) -> Any:
    made = registry.get(str(masked["type"]))
    given = secret_fields.joined(masked, place, secrets)
    if any(secret_fields.masks(given, place)):
        raise Unreadable
    return made(made.Configuration.model_validate({k: v for k, v in given.items() if k != "type"}))


def _plain(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document, as strict as JSON is; raises InvalidInput for what PostgreSQL can't hold."""
    try:
        text = json.dumps(dict(document))
    except RecursionError:
        raise InvalidInput.field("", "too_deep", "The definition is nested too deeply.") from None
    return dict(parsing.value_of(text.encode()))


def _place(path: str) -> str:
    return path.partition(".")[0]


def _choices(place: str, is_part: bool) -> dict[str, Any]:
    """The types that there are to choose from: the probe of a part is always its own."""
    known: Registry[Any] = probes.registry if place == "probe" else controllers.registry
    return {
        name: made
        for name, made in known.items()
        if (name == OF_THE_INSTANCE and is_part)
        or (name != OF_THE_INSTANCE and not (is_part and place == "probe"))
    }


def _typed(
    place: str,
    given: Mapping[str, Any],
    choices: Mapping[str, Any],
    known: secret_fields.Secrets,
    problems: list[Detail],
) -> pydantic.BaseModel | None:
    name = given.get("type")
    if not isinstance(name, str) or name not in choices:
        problems.append(_no_such_type(place, name, choices))
        return None
    masked = list(secret_fields.masks(given, place))
    unknown = [path for path in masked if path not in known]
    problems += [Detail(path, "masked", NOTHING_STORED) for path in unknown]
    if unknown:
        return None
    whole = secret_fields.joined(given, place, {path: known[path] for path in masked})
    configuration = {key: value for key, value in whole.items() if key != "type"}
    return _validated(choices[name].Configuration, configuration, f"{place}.", problems)


def _no_such_type(place: str, name: Any, choices: Collection[str]) -> Detail:
    known = ", ".join(sorted(choices)) or "none"
    if name is None:
        return Detail(f"{place}.type", "missing", f"Give the type of {place}: {known}.")
    message = f"There is no {place} type {name!r}; known: {known}."
    return Detail(f"{place}.type", "unknown_type", message)


def _pace(configuration: pydantic.BaseModel) -> dict[str, Any]:
    """How often a probe looks, written out for the database, which doesn't know the defaults."""
    if not isinstance(configuration, Probe.Configuration):
        return {}
    return configuration.model_dump(include=set(Probe.Configuration.model_fields))


Model = TypeVar("Model", bound=pydantic.BaseModel)


def _validated(
    model: type[Model], given: Mapping[str, Any], prefix: str, problems: list[Detail]
) -> Model | None:
    """Strictly: "5" is no number and 1 no truth."""
    try:
        return model.model_validate_json(json.dumps(given), strict=True)
    except pydantic.ValidationError as error:
        problems += _details(error, prefix)
        return None


def _details(error: pydantic.ValidationError, prefix: str) -> Iterator[Detail]:
    for each in error.errors(include_url=False, include_input=False):
        yield Detail(prefix + ".".join(map(str, each["loc"])), each["type"], each["msg"])


def _summary(problems: list[Detail]) -> str:
    first = problems[0]
    return f"{first.field}: {first.message}" if first.field else first.message
