"""What a Spring Boot application says of its own health."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Annotated, Any

import httpx
from pydantic import Field

from core.errors import NexusError
from core.outgoing.hosts import Url
from core.text import cut
from services.probes.base import Observation, Outcome, Probe, Status, Target, Unhealthy, register
from services.probes.web import WebConfiguration, answered, json_of

HEADERS = {"Accept": "application/vnd.spring-boot.actuator.v3+json, application/json"}
OUTCOMES = {"UP": Outcome.PASS, "DOWN": Outcome.FAIL, "OUT_OF_SERVICE": Outcome.FAIL}
ANSWERS = {200, 503}
MOST_COMPONENTS = 100
MOST_LEVELS = 5
LONGEST_NAME = 100
LONGEST_VERSION = 200
SHOWN = 200  # characters of an error


@register("actuator", title="Spring Boot Actuator")
class ActuatorProbe(Probe):
    """Healthy is UP; unhealthy are DOWN and OUT_OF_SERVICE; degraded is what else it says, which
    is UNKNOWN or a status of the application's own."""

    class Configuration(WebConfiguration):
        url: Annotated[Url, Field(description="Such as http://shop:8080/actuator/health.")]
        info_url: Annotated[
            Url | None, Field(description="Such as http://shop:8080/actuator/info: its version.")
        ] = None

    def look(self, target: Target) -> Observation:
        with answered(self.configuration, target, headers=HEADERS) as answer:
            if answer.status_code not in ANSWERS:
                raise Unhealthy(f"It answered {answer.status_code} instead of its health")
            document = json_of(answer)
        if not isinstance(document, Mapping) or not isinstance(document.get("status"), str):
            raise Unhealthy("It answered with JSON that is no health of an actuator")
        said = cut(document["status"], LONGEST_NAME)
        outcome = OUTCOMES.get(said, Outcome.WARNING)
        components = dict(_components(document))
        troubled = [text for status, text in components.values() if status != "UP"]
        return Observation(
            outcome=outcome,
            reason="" if outcome is Outcome.PASS else _reason(said, troubled),
            status=Status.RUNNING,  # it said so itself
            version=self._version(target),
            figures={"components": {name: status for name, (status, _) in components.items()}}
            if components
            else {},
        )

    def _version(self, target: Target) -> str | None:
        """As the application tells it; without it, it is no less healthy. Asking takes half of
        the time that is left at most: its health must not be late for it."""
        url = self.configuration.info_url
        if url is None:
            return None
        soon = replace(target, deadline=time.monotonic() + target.remaining() / 2)
        with (
            suppress(OSError, httpx.HTTPError, NexusError, Unhealthy),
            answered(self.configuration, soon, url=url, headers=HEADERS) as answer,
        ):
            document = json_of(answer)
            for part in ("build", "app"):
                found = document.get(part) if isinstance(document, Mapping) else None
                if isinstance(found, Mapping) and isinstance(found.get("version"), str):
                    return cut(found["version"], LONGEST_VERSION)
        return None


def _reason(said: str, troubled: list[str]) -> str:
    return f"It says {said}: {', '.join(troubled)}" if troubled else f"It says {said}"


def _components(document: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, str]]]:
    """The innermost components with their status, and what to say of them."""
    waiting: list[tuple[str, Any, int]] = [("", document, 0)]
    found = 0
    while waiting and found < MOST_COMPONENTS:
        name, component, level = waiting.pop(0)
        inner = _inner(component) if level < MOST_LEVELS else {}
        prefix = f"{name}." if name else ""
        waiting += [
            (prefix + cut(key, LONGEST_NAME), value, level + 1)
            for key, value in list(inner.items())[:MOST_COMPONENTS]
        ]
        if name and not inner:
            found += 1
            status = cut(component["status"], LONGEST_NAME)
            error = _error(component)
            yield name, (status, f"{name} ({error or status})")


def _inner(component: Mapping[str, Any]) -> dict[str, Any]:
    """What it is made of; before Spring Boot 2.2 that stood among the details."""
    parts = component.get("components", component.get("details"))
    return {key: each for key, each in _items(parts) if isinstance(each.get("status"), str)}


def _items(parts: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for key, each in parts.items() if isinstance(parts, Mapping) else ():
        if isinstance(each, Mapping):
            yield key, each


def _error(component: Mapping[str, Any]) -> str:
    details = component.get("details")
    error = details.get("error") if isinstance(details, Mapping) else None
    return cut(error, SHOWN) if isinstance(error, str) else ""
