"""Whether an address of the web answers as it should."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

import httpx
import orjson
from cryptography import x509
from pydantic import (
    AfterValidator,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    StringConstraints,
    model_validator,
)
from pydantic_core import SchemaError, SchemaValidator, core_schema

from core.text import cut
from services.probes.base import Observation, Outcome, Probe, Target, register
from services.probes.web import WebConfiguration, answered, json_of

SHOWN = 200  # characters of what was there instead
DAY_SECONDS = 86_400


def _in_order(text: str) -> str:
    if int(text[:3]) > int(text[-3:]):
        raise ValueError("The lower status comes first")
    return text


def _pattern(text: str) -> str:
    try:
        _matcher(text)
    except SchemaError as error:
        raise ValueError(f"This is no pattern: {str(error).splitlines()[-1].strip()}") from None
    return text


def _matcher(pattern: str) -> SchemaValidator:
    """A regular expression that takes time in proportion to the text, whoever wrote it: one of
    Python's could keep the whole process from everything else for years."""
    return SchemaValidator(core_schema.str_schema(pattern=pattern))


Code = Annotated[int, Field(ge=100, le=599)]
Range = Annotated[
    str, StringConstraints(pattern=r"^[1-5]\d\d-[1-5]\d\d$"), AfterValidator(_in_order)
]
Scalar = StrictStr | StrictBool | StrictInt | StrictFloat | None


@register("http", title="HTTP")
class HttpProbe(Probe):
    """Looks at the status of the answer, at its body where something is said of that, at how
    long it took, and at the server's certificate."""

    class Configuration(WebConfiguration):
        method: Literal["GET", "HEAD", "POST"] = "GET"
        expected_status: Annotated[
            tuple[Code | Range, ...],
            Field(min_length=1, max_length=20, description='Such as [200, "300-399"].'),
        ] = ("200-399",)
        body_contains: Annotated[str, Field(max_length=1000)] = ""
        body_matches: Annotated[
            str,
            Field(max_length=1000, description="A regular expression, without look-around."),
            AfterValidator(_pattern),
        ] = ""
        json_equals: Annotated[
            dict[Annotated[str, Field(min_length=1, max_length=200)], Scalar],
            Field(max_length=20, description='Values by path, such as {"checks.0.state": "up"}.'),
        ] = {}
        max_latency_ms: Annotated[
            float | None, Field(gt=0, le=60_000, description="Above, it is degraded.")
        ] = None
        tls_expiry_days: Annotated[
            int,
            Field(ge=0, le=365, description="With a certificate for fewer days it is degraded."),
        ] = 14

        @model_validator(mode="after")
        def _has_body(self) -> Self:
            if self.method == "HEAD" and self.wants_body:
                raise ValueError("The answer to HEAD has no body to look at")
            return self

        @property
        def wants_body(self) -> bool:
            return bool(self.body_contains or self.body_matches or self.json_equals)

    def look(self, target: Target) -> Observation:
        settings = self.configuration
        began = time.monotonic()
        with answered(settings, target, method=settings.method) as answer:
            latency_ms = (time.monotonic() - began) * 1000
            figures = {"status_code": answer.status_code, **_certificate(answer)}
            wrong = next(self._wrong(answer), "")
        warnings = list(self._warnings(latency_ms, figures))
        outcome = Outcome.FAIL if wrong else Outcome.WARNING if warnings else Outcome.PASS
        reason = wrong or "; ".join(warnings)
        return Observation(outcome, reason, latency_ms=latency_ms, figures=figures)

    def _wrong(self, answer: httpx.Response) -> Iterator[str]:
        settings = self.configuration
        if not any(_is_in(answer.status_code, each) for each in settings.expected_status):
            expected = ", ".join(map(str, settings.expected_status))
            yield f"It answered {answer.status_code} instead of {expected}"
            return
        if settings.wants_body:
            answer.read()
        if settings.body_contains and settings.body_contains not in answer.text:
            yield f"The body does not contain {settings.body_contains!r}"
        pattern = settings.body_matches
        if pattern and not _matcher(pattern).isinstance_python(answer.text):
            yield f"The body does not match {pattern!r}"
        document = json_of(answer) if settings.json_equals else None
        for path, wanted in settings.json_equals.items():
            yield from _differs(document, path, wanted)

    def _warnings(self, latency_ms: float, figures: dict[str, Any]) -> Iterator[str]:
        settings = self.configuration
        if settings.max_latency_ms is not None and latency_ms > settings.max_latency_ms:
            yield f"It took {latency_ms:.0f} ms, more than {settings.max_latency_ms:g} ms"
        days = figures.get("tls_days_left")
        if days is not None and days < settings.tls_expiry_days:
            yield (
                f"Its certificate expires in {days} days" if days >= 0
                else f"Its certificate expired {-days} days ago"
            )  # fmt: skip


def _is_in(status: int, expected: int | str) -> bool:
    if isinstance(expected, int):
        return status == expected
    return int(expected[:3]) <= status <= int(expected[-3:])


def _differs(document: Any, path: str, wanted: Any) -> Iterator[str]:
    found = document
    for step in path.split("."):
        if isinstance(found, list) and step.isdecimal() and int(step) < len(found):
            found = found[int(step)]
        elif isinstance(found, dict) and step in found:
            found = found[step]
        else:
            yield f"The answer has no {path}"
            return
    if found != wanted or isinstance(found, bool) != isinstance(wanted, bool):
        yield f"{path} is {_shown(found)} instead of {_shown(wanted)}"


def _shown(value: Any) -> str:
    return cut(orjson.dumps(value).decode(), SHOWN)


def _certificate(answer: httpx.Response) -> dict[str, Any]:
    """Until when the server's certificate is valid; nothing without TLS."""
    encrypted = answer.extensions["network_stream"].get_extra_info("ssl_object")
    if encrypted is None:
        return {}
    until = x509.load_der_x509_certificate(encrypted.getpeercert(True)).not_valid_after_utc
    left = (until - datetime.now(UTC)).total_seconds() // DAY_SECONDS
    return {"tls_expires_at": until.isoformat(), "tls_days_left": int(left)}
