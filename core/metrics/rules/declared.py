"""Threshold rules: what must not last, declared in the configuration.

As an option they have what every option has: revisions, the way back, the API and the command
line. `evaluation` decides by them, `evaluator` raises the alerts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal, NotRequired

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError
from typing_extensions import TypedDict

from core import options
from core.errors import InvalidInput
from core.metrics import series

KEY = "metrics.rules"
MOST_RULES = 200
MOST_MINUTES = 1440
MOST_DESCRIPTION = 500  # characters
FURTHEST = 1e300  # of a threshold from 0, so that a tenth beyond it is still a number
INSIDE = 0.1  # of the threshold: how far inside a value recovers, unless the rule says otherwise
SERIES = r"^[a-z][a-z0-9_]{2,99}(:[a-z0-9]{1,20})?$"
NAME = r"^[a-z][a-z0-9_]{0,62}$"

Condition = Literal["above", "below"]
Severity = Literal["info", "warning", "critical"]
NoData = Literal["keep", "resolve", "alert"]
Minutes = Annotated[int, Field(ge=1, le=MOST_MINUTES)]


class Document(TypedDict):
    """A rule as it is written in the configuration."""

    __pydantic_config__ = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)  # type: ignore[misc]

    series: Annotated[
        str,
        StringConstraints(pattern=SERIES),
        Field(description="The name of a series, or `instrument:statistic`."),
    ]
    condition: Condition
    threshold: Annotated[
        float, Field(ge=-FURTHEST, le=FURTHEST, description="In the unit of the series.")
    ]
    for_minutes: Annotated[
        Minutes, Field(description="All of so many minutes must be beyond it to open the alert.")
    ]
    recovery: NotRequired[
        Annotated[
            float,
            Field(
                description="Values on this side of it have recovered; without it 10 % inside the"
                " threshold."
            ),
        ]
    ]
    recover_minutes: NotRequired[
        Annotated[
            Minutes,
            Field(description="All of so many must have recovered; without it `for_minutes`."),
        ]
    ]
    severity: Severity
    no_data: NotRequired[
        Annotated[
            NoData,
            Field(
                description="What a minute without data counts as: neither (keep, the default),"
                " recovered (resolve), or beyond the threshold (alert)."
            ),
        ]
    ]
    enabled: NotRequired[bool]
    description: NotRequired[Annotated[str, StringConstraints(max_length=MOST_DESCRIPTION)]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule with everything that its document leaves to the defaults."""

    name: str
    series: str
    condition: Condition
    threshold: float
    for_minutes: int
    recovery: float
    recover_minutes: int
    severity: Severity
    no_data: NoData = "keep"
    enabled: bool = True
    description: str = ""

    @classmethod
    def of(cls, name: str, document: Mapping[str, Any]) -> Rule:
        """`document` must fit."""
        derived = {
            "recovery": usual_recovery(document["condition"], document["threshold"]),
            "recover_minutes": document["for_minutes"],
        }
        return cls(name=name, **{**derived, **document})

    @property
    def window(self) -> int:
        """How many minutes have to be known to decide."""
        return max(self.for_minutes, self.recover_minutes)

    @property
    def is_known(self) -> bool:
        """Whether this process knows the series; that of a plugin may be away."""
        try:
            series.named(self.series)
        except InvalidInput:
            return False
        return True

    def document(self) -> dict[str, Any]:
        """All that is to be said of the rule."""
        return asdict(self)


def usual_recovery(condition: Condition, threshold: float) -> float:
    inside = abs(threshold) * INSIDE
    return threshold - inside if condition == "above" else threshold + inside


def _sound(document: Document) -> Document:
    """The recovery on the right side of the threshold."""
    threshold = document["threshold"]
    recovery = document.get("recovery", threshold)
    if document["condition"] == "above" and recovery > threshold:
        raise _misplaced("greater_than", recovery, f"must not be above the threshold {threshold:g}")
    if document["condition"] == "below" and recovery < threshold:
        raise _misplaced("less_than", recovery, f"must not be below the threshold {threshold:g}")
    return document


def _misplaced(code: str, recovery: float, wrong: str) -> ValidationError:
    kind = PydanticCustomError(code, f"The recovery {wrong}: a value that recovers is inside it")
    place = InitErrorDetails(type=kind, loc=("recovery",), input=recovery)
    return ValidationError.from_exception_data("rule", [place])


Written = Annotated[Document, AfterValidator(_sound)]
Name = Annotated[str, StringConstraints(pattern=NAME)]

USUAL: dict[str, Any] = {
    "server_errors": {
        "series": "server_error_percent", "condition": "above", "threshold": 5.0,
        "for_minutes": 5, "severity": "critical", "no_data": "resolve",
        "description": "Of the requests too many are answered with a server error.",
    },
    "slow_responses": {
        "series": "response_time_p95_ms", "condition": "above", "threshold": 2000.0,
        "for_minutes": 10, "severity": "warning", "no_data": "resolve",
        "description": "One request in twenty takes longer than two seconds.",
    },
    "busy_processors": {
        "series": "cpu_usage_percent", "condition": "above", "threshold": 95.0,
        "for_minutes": 15, "severity": "warning",
        "description": "The processors have had hardly a pause.",
    },
}  # fmt: skip

RULES = options.declare(
    "metrics.rules", Annotated[dict[Name, Written], Field(max_length=MOST_RULES)], default=USUAL,
    help="What must not last: for each rule, by its name, a series, the threshold it must not be"
    " beyond for so many minutes, and how severe the alert is. The page Rules edits them one by"
    " one; a change here replaces them all.",
)  # fmt: skip


def configured() -> dict[str, Rule]:
    """The rules in use by name, those that are not enabled too."""
    return {name: Rule.of(name, each) for name, each in RULES.value.items()}


def checked(name: str, document: Mapping[str, Any], *, within: str = "") -> Rule:
    """The rule that a document describes, whether it is configured or not.

    Raises InvalidInput naming the field of the document, which is `within` another, or `name`.
    """
    if problem := RULES.problem({name: dict(document)}):
        field = problem.field.removeprefix(f"{KEY}.{name}").strip(".")
        field = "name" if field == "[key]" else ".".join(filter(None, (within, field)))
        raise InvalidInput.field(field, problem.code, problem.message)
    return Rule.of(name, document)
