"""The actuator probe takes a Spring Boot application at its word."""

from __future__ import annotations

import json

import pytest

from services.probes.base import Outcome, Status
from tests.web_servers import Answer

UP = {
    "status": "UP",
    "components": {
        "broker": {
            "status": "UP",
            "components": {"us1": {"status": "UP"}, "us2": {"status": "UP"}},
        },
        "db": {"status": "UP", "details": {"database": "H2", "validationQuery": "isValid()"}},
        "ping": {"status": "UP"},
    },
}
DOWN = {
    "status": "DOWN",
    "components": {
        "broker": {
            "status": "DOWN",
            "components": {
                "us1": {"status": "UP"},
                "us2": {
                    "status": "DOWN",
                    "details": {"error": "ConnectException: refused"},
                },
            },
        },
        "diskSpace": {"status": "OUT_OF_SERVICE", "details": {"free": 1}},
    },
}
OF_BOOT_2_0 = {
    "status": "DOWN",
    "details": {
        "db": {"status": "DOWN", "details": {"error": "gone"}},
        "diskSpace": {"status": "UP", "details": {"total": 1}},
    },
}


def health(document: object, status: int = 200) -> Answer:
    return Answer(status, json.dumps(document).encode())


def test_an_application_that_is_up_is_healthy(look, web):
    web.routes["/actuator/health"] = health(UP)
    seen = look("actuator", url=f"{web.url}/actuator/health")
    assert (seen.outcome, seen.reason, seen.status) == (Outcome.PASS, "", Status.RUNNING)
    assert seen.figures == {
        "components": {"broker.us1": "UP", "broker.us2": "UP", "db": "UP", "ping": "UP"}
    }
    assert seen.version is None


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (
            DOWN,
            "It says DOWN: diskSpace (OUT_OF_SERVICE), broker.us2 (ConnectException: refused)",
        ),
        (OF_BOOT_2_0, "It says DOWN: db (gone)"),
        ({"status": "DOWN"}, "It says DOWN"),
        ({"status": "OUT_OF_SERVICE"}, "It says OUT_OF_SERVICE"),
    ],
)
def test_an_application_that_is_not_up_is_unhealthy_and_says_why(look, web, document, reason):
    web.routes["/"] = health(document, 503)
    seen = look("actuator", url=web.url)
    assert (seen.outcome, seen.status) == (Outcome.FAIL, Status.RUNNING)
    assert seen.reason == reason


@pytest.mark.parametrize("status", ["UNKNOWN", "FATIGUED"])
def test_an_application_that_says_something_else_is_degraded(look, web, status):
    web.routes["/"] = health({"status": status})
    seen = look("actuator", url=web.url)
    assert (seen.outcome, seen.reason) == (Outcome.WARNING, f"It says {status}")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(404), "It answered 404 instead of its health"),
        (Answer(401), "It answered 401 instead of its health"),
        (Answer(503, b"<html>"), "It answered 503, and not with JSON"),
        (health([1]), "It answered with JSON that is no health of an actuator"),
        (health({"status": 1}), "It answered with JSON that is no health of an actuator"),
        (health({}), "It answered with JSON that is no health of an actuator"),
    ],
)
def test_what_is_no_health_is_unhealthy(look, web, answer, reason):
    web.routes["/"] = answer
    seen = look("actuator", url=web.url)
    assert (seen.outcome, seen.reason) == (Outcome.FAIL, reason)


def nested(levels: int) -> dict:
    document: dict = {"status": "DOWN"}
    for _ in range(levels):
        document = {"status": "DOWN", "components": {"x" * 500: document}}
    return document


@pytest.mark.parametrize(
    "document",
    [
        nested(150),
        {"status": "DOWN", "components": {str(n): {"status": "y" * 5000} for n in range(1000)}},
        {"status": "DOWN", "components": {"a\ud800": {"status": "\0", "details": {"error": "\0"}}}},
        {"status": "DOWN", "components": [1], "details": {"a": 1, "b": {"status": 2}}},
    ],
)
def test_what_a_hostile_application_says_is_cut(look, web, document):
    web.routes["/"] = health(document, 503)
    seen = look("actuator", url=web.url)
    assert seen.outcome is Outcome.FAIL
    assert len(json.dumps(seen.figures)) < 100_000
    assert "\0" not in seen.reason


@pytest.mark.parametrize(
    ("answer", "version"),
    [
        (health({"build": {"version": "1.2.3"}}), "1.2.3"),
        (health({"app": {"version": "2"}}), "2"),
        (health({"build": {}}), None),
        (health([]), None),
        (Answer(404), None),
    ],
)
def test_the_version_comes_from_info(look, web, answer, version):
    web.routes["/health"], web.routes["/info"] = health(UP), answer
    seen = look("actuator", url=f"{web.url}/health", info_url=f"{web.url}/info")
    assert (seen.outcome, seen.version) == (Outcome.PASS, version)


def test_info_that_does_not_come_makes_nobody_late(look, web):
    web.routes["/health"], web.routes["/info"] = health(UP), web.hang
    seen = look("actuator", url=f"{web.url}/health", info_url=f"{web.url}/info", timeout=0.4)
    assert (seen.outcome, seen.version) == (Outcome.PASS, None)
    seen = look("actuator", url=f"{web.url}/health", info_url="http://10.255.0.1/info")
    assert (seen.outcome, seen.version) == (Outcome.PASS, None)
