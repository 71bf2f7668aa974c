"""The django_health_check probe takes a Django application at its word."""

from __future__ import annotations

import json

import pytest

from services.probes.base import Outcome, Status
from tests.web_servers import Answer

WORKING = {"Cache backend: default": "working", "DatabaseBackend": "working"}
OK = {"Cache(alias='default')": "OK", "Database(alias='default')": "OK"}
BROKEN = {**WORKING, "DatabaseBackend": "unavailable: Database error"}


def health(document: object, status: int = 200) -> Answer:
    return Answer(status, json.dumps(document).encode())


@pytest.mark.parametrize("document", [WORKING, OK, {}])
def test_an_application_whose_checks_work_is_healthy(look, web, document):
    web.routes["/health/"] = health(document)
    seen = look("django_health_check", url=f"{web.url}/health/")
    assert (seen.outcome, seen.reason, seen.status) == (Outcome.PASS, "", Status.RUNNING)
    assert seen.figures == {"checks": document}
    assert web.asked[0].headers["accept"] == "application/json"
    assert web.asked[0].headers["accept-language"] == "en"


def test_an_application_with_a_failed_check_is_unhealthy_and_says_why(look, web):
    web.routes["/"] = health(BROKEN, 500)
    seen = look("django_health_check", url=web.url)
    assert (seen.outcome, seen.status) == (Outcome.FAIL, Status.RUNNING)
    assert seen.reason == "DatabaseBackend: unavailable: Database error"


def test_a_failed_check_that_the_application_forgives_makes_it_degraded(look, web):
    web.routes["/"] = health(BROKEN, 200)
    seen = look("django_health_check", url=web.url)
    assert (seen.outcome, seen.reason) == (
        Outcome.WARNING,
        "DatabaseBackend: unavailable: Database error",
    )


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(404), "It answered 404 instead of its health"),
        (Answer(500, b"<h1>Server Error</h1>"), "It answered 500, and not with JSON"),
        (health([1]), "It answered with JSON that is no health of its checks"),
        (health(WORKING, 500), "It answered 500"),
    ],
)
def test_what_is_no_health_is_unhealthy(look, web, answer, reason):
    web.routes["/"] = answer
    seen = look("django_health_check", url=web.url)
    assert (seen.outcome, seen.reason) == (Outcome.FAIL, reason)


@pytest.mark.parametrize(
    "document",
    [
        {str(n): "x" * 1000 for n in range(1000)},
        {"x" * 10_000: {"deep": [[[1]]]}},
        {"a\0": "\0", "b": None},
    ],
)
def test_what_a_hostile_application_says_is_cut(look, web, document):
    web.routes["/"] = health(document, 500)
    seen = look("django_health_check", url=web.url)
    assert seen.outcome is Outcome.FAIL
    assert len(json.dumps(seen.figures)) < 50_000
    assert "\0" not in seen.reason + "".join(seen.figures["checks"])
