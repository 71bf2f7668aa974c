"""What a Django application with django-health-check says of its own health."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from core.outgoing.hosts import Url
from core.text import cut
from services.probes.base import Observation, Outcome, Probe, Status, Target, Unhealthy, register
from services.probes.web import WebConfiguration, answered, json_of

HEADERS = {"Accept": "application/json", "Accept-Language": "en"}  # "working" is translated
WORKING = {"working", "ok"}  # which of them depends on the version
ANSWERS = {200, 500}
MOST_CHECKS = 100
LONGEST_NAME = 100
SHOWN = 200  # characters of an error


@register("django_health_check", title="django-health-check")
class DjangoHealthCheckProbe(Probe):
    """A failed check that the application takes for no error, so that it answers 200 all the
    same, makes it degraded."""

    class Configuration(WebConfiguration):
        url: Annotated[Url, Field(description="Such as https://shop.example/health/.")]

    def look(self, target: Target) -> Observation:
        with answered(self.configuration, target, headers=HEADERS) as answer:
            if answer.status_code not in ANSWERS:
                raise Unhealthy(f"It answered {answer.status_code} instead of its health")
            document = json_of(answer)
        if not isinstance(document, Mapping):
            raise Unhealthy("It answered with JSON that is no health of its checks")
        checks = {
            cut(name, LONGEST_NAME): cut(str(said), SHOWN)
            for name, said in list(document.items())[:MOST_CHECKS]
        }
        wrong = [f"{name}: {said}" for name, said in checks.items() if not _is_working(said)]
        if answer.status_code != 200:
            outcome, reason = Outcome.FAIL, "; ".join(wrong) or "It answered 500"
        else:
            outcome, reason = Outcome.WARNING if wrong else Outcome.PASS, "; ".join(wrong)
        return Observation(outcome, reason, status=Status.RUNNING, figures={"checks": checks})


def _is_working(said: str) -> bool:
    return said.lower() in WORKING
