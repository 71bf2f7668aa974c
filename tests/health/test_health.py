"""GET /health, /health/ready and /health/live, as a load balancer sees them."""

from __future__ import annotations

import pytest
from django.test import Client

from core.health.checks import Unhealthy
from tests.contract.loading import operations
from tests.contract.matching import Matcher

READY = pytest.mark.parametrize("path", ["/api/v1/health", "/api/v1/health/ready"])


def gone() -> None:
    raise Unhealthy("connection to 10.0.0.7 refused")


@READY
@pytest.mark.django_db(transaction=True)
def test_it_is_open_and_bare(path):
    response = Client().get(path)
    assert response.status_code == 200
    example = operations()["get_health"].response
    assert list(Matcher().complaints(example, response.json())) == []
    assert response.json()["status"] == "ok"


@READY
def test_it_is_503_while_what_is_needed_to_serve_fails(check, path):
    check(gone, needed_to_serve=True)
    response = Client().get(path)
    assert response.status_code == 503
    assert response.json()["status"] == "unavailable"
    assert response.json()["failing"] == ["part.works"]


def test_it_does_not_tell_strangers_what_failed_how(check):
    check(gone, needed_to_serve=True)
    assert b"10.0.0.7" not in Client().get("/api/v1/health").content


def test_it_is_ok_while_only_something_else_fails(check):
    check(gone, name="other")
    assert Client().get("/api/v1/health").status_code == 200


def test_alive_is_told_whatever_fails(check):
    check(gone, needed_to_serve=True)
    response = Client().get("/api/v1/health/live")
    assert (response.status_code, response.json()["status"]) == (200, "ok")


def test_it_must_not_be_cached():
    assert Client().get("/api/v1/health/live")["Cache-Control"] == "no-store"


def test_it_takes_a_trailing_slash_and_a_bad_key(check):
    check(dict, needed_to_serve=True)
    client = Client(headers={"X-API-Key": "nonsense"})
    assert client.get("/api/v1/health/").status_code == 200
