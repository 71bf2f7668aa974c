"""The http probe judges an answer by its status, body, latency and certificate."""

from __future__ import annotations

import time
from base64 import b64encode

import pytest
from pydantic import ValidationError

from core import options
from services.probes.base import Outcome, Status
from services.probes.http import HttpProbe
from tests.web_servers import Answer, certificate, serving

JSON = b'{"status": "ok", "count": 1, "up": true, "checks": [{"state": "up"}], "none": null}'


def test_an_answer_in_time_is_healthy(look, web):
    web.routes["/health"] = Answer(204, b"")
    seen = look("http", url=f"{web.url}/health")
    assert (seen.outcome, seen.reason) == (Outcome.PASS, "")
    assert seen.figures == {"status_code": 204}
    assert 0 < seen.latency_ms < 2000


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_it_asks_by_the_method_that_is_configured(look, web, method):
    web.routes["/"] = Answer()
    assert look("http", url=web.url, method=method).outcome is Outcome.PASS
    assert web.asked[0].method == method


@pytest.mark.parametrize(
    ("status", "expected", "outcome"),
    [
        (200, ["200-399"], Outcome.PASS),
        (404, ["200-399"], Outcome.FAIL),
        (500, ["200-399"], Outcome.FAIL),
        (404, [404], Outcome.PASS),
        (503, [200, "500-502", 503], Outcome.PASS),
        (503, [200, "500-502"], Outcome.FAIL),
    ],
)
def test_it_takes_the_status_that_is_expected(look, web, status, expected, outcome):
    web.routes["/"] = Answer(status)
    seen = look("http", url=web.url, expected_status=expected)
    assert seen.outcome is outcome
    assert seen.figures["status_code"] == status
    if outcome is Outcome.FAIL:
        assert seen.reason.startswith(f"It answered {status} instead of {expected[0]}")


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        ({"body_contains": '"count"'}, ""),
        ({"body_contains": "missing"}, "The body does not contain 'missing'"),
        ({"body_matches": r'"count":\s*\d'}, ""),
        ({"body_matches": "^ok$"}, "The body does not match '^ok$'"),
        ({"json_equals": {"status": "ok", "count": 1, "checks.0.state": "up"}}, ""),
        ({"json_equals": {"none": None, "up": True}}, ""),
        ({"json_equals": {"status": "down"}}, 'status is "ok" instead of "down"'),
        ({"json_equals": {"up": 1}}, "up is true instead of 1"),
        ({"json_equals": {"count": True}}, "count is 1 instead of true"),
        ({"json_equals": {"checks": "x"}}, 'checks is [{"state":"up"}] instead of "x"'),
        ({"json_equals": {"checks.1": 1}}, "The answer has no checks.1"),
        ({"json_equals": {"checks.x": 1}}, "The answer has no checks.x"),
        ({"json_equals": {"status.0": 1}}, "The answer has no status.0"),
        ({"json_equals": {"status..": 1}}, "The answer has no status.."),
    ],
)
def test_it_looks_for_what_the_body_should_hold(look, web, wanted, reason):
    web.routes["/"] = Answer(200, JSON)
    seen = look("http", url=web.url, **wanted)
    assert seen.reason == reason
    assert seen.outcome is (Outcome.FAIL if reason else Outcome.PASS)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[" * 100_000, b"\xff\xfe", b'{"a": NaN}'])
def test_a_body_that_is_no_json_is_unhealthy(look, web, body):
    web.routes["/"] = Answer(200, body)
    seen = look("http", url=web.url, json_equals={"a": 1})
    assert (seen.outcome, seen.reason) == (Outcome.FAIL, "It answered 200, and not with JSON")


def test_a_body_that_is_too_large_is_unhealthy(look, web):
    web.routes["/"] = Answer(200, bytes(1024 * 1024 + 1))
    seen = look("http", url=web.url, body_contains="x")
    assert seen.outcome is Outcome.FAIL
    assert seen.reason == "The body is larger than 1,048,576 bytes"
    assert look("http", url=web.url).outcome is Outcome.PASS


def test_a_pattern_that_would_take_python_for_ever_takes_no_time(look, web):
    web.routes["/"] = Answer(200, b"a" * 100_000)
    began = time.monotonic()
    seen = look("http", url=web.url, body_matches="^(a*)*b$", timeout=10)
    assert seen.reason == "The body does not match '^(a*)*b$'"
    assert time.monotonic() - began < 2


def test_an_answer_that_took_long_is_degraded(look, web):
    web.routes["/"] = Answer()
    seen = look("http", url=web.url, max_latency_ms=0.001)
    assert seen.outcome is Outcome.WARNING
    assert seen.reason.endswith("ms, more than 0.001 ms")
    assert look("http", url=web.url, max_latency_ms=2000).outcome is Outcome.PASS


@pytest.mark.parametrize("route", ["hang", "drip"])
def test_an_answer_that_does_not_come_in_time_is_a_result(look, web, route):
    web.routes["/"] = getattr(web, route)
    began = time.monotonic()
    seen = look("http", url=web.url, timeout=0.2, body_contains="x")
    assert time.monotonic() - began < 1
    assert (seen.outcome, seen.status) == (Outcome.FAIL, Status.UNKNOWN)
    assert seen.reason == "did not answer within 0.2 s"


def test_nobody_there_is_unhealthy(look):
    with serving() as web:
        pass
    seen = look("http", url=web.url)
    assert seen.outcome is Outcome.FAIL
    assert "Connection refused" in seen.reason


def test_credentials_and_headers_are_sent_where_they_belong(look, web):
    with serving() as other:
        web.routes["/"] = Answer(302, b"", {"Location": f"{other.url}/there"})
        other.routes["/there"] = Answer()
        seen = look(
            "http", url=web.url, username="nexus", password="pä:ss", headers={"X-Token": "secret"}
        )
    assert seen.outcome is Outcome.PASS
    basic = b64encode("nexus:pä:ss".encode()).decode()
    assert web.asked[0].headers["authorization"] == f"Basic {basic}"
    assert web.asked[0].headers["x-token"] == "secret"
    assert not {"authorization", "x-token"} & other.asked[0].headers.keys()


def test_redirects_are_followed_unless_told_otherwise(look, web):
    web.routes["/"] = Answer(302, b"", {"Location": "/gone"})
    web.routes["/gone"] = Answer(410)
    assert look("http", url=web.url).figures["status_code"] == 410
    assert look("http", url=web.url, follow_redirects=False).figures["status_code"] == 302


def test_this_machine_is_looked_at_only_when_that_is_allowed(look, web):
    web.routes["/"] = Answer()
    with options.replaced({}):
        seen = look("http", url=web.url)
    assert seen.outcome is Outcome.FAIL
    assert "outgoing.allowed_networks" in seen.reason
    assert web.asked == []


@pytest.mark.parametrize(
    ("days", "outcome", "reason"),
    [
        (90.5, Outcome.PASS, ""),
        (14.5, Outcome.PASS, ""),
        (3.5, Outcome.WARNING, "Its certificate expires in 3 days"),
        (-1, Outcome.FAIL, "The certificate is not trusted: certificate has expired"),
    ],
)
def test_a_certificate_that_is_about_to_expire_is_told(look, tmp_path, days, outcome, reason):
    context, authority = certificate(tmp_path, days=days)
    with serving(context) as web:
        web.routes["/"] = Answer()
        seen = look("http", url=web.url, ca_certificate=authority)
    assert (seen.outcome, seen.reason) == (outcome, reason)
    if days > 0:
        assert seen.figures["tls_days_left"] == int(days)
        assert seen.figures["tls_expires_at"].endswith("+00:00")


def test_a_certificate_of_an_unknown_authority_is_unhealthy_unless_that_is_wanted(look, tmp_path):
    context, _ = certificate(tmp_path, days=-3.5)
    with serving(context) as web:
        web.routes["/"] = Answer()
        assert look("http", url=web.url).outcome is Outcome.FAIL
        seen = look("http", url=web.url, verify_tls=False)
    assert seen.outcome is Outcome.WARNING
    assert seen.reason == "Its certificate expired 4 days ago"


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "ftp://a.example"}, {"url": "http://user:pass@a.example"}, {"url": None},
        {"method": "DELETE"}, {"method": "HEAD", "body_contains": "x"},
        {"expected_status": []}, {"expected_status": [99]}, {"expected_status": [600]},
        {"expected_status": ["399-200"]}, {"expected_status": ["2xx"]},
        {"expected_status": ["200-399"] * 21}, {"headers": {"X y": "1"}},
        {"headers": {"Content-Length": "1"}}, {"headers": {"transfer-encoding": "chunked"}},
        {"headers": {"X": "a\r\nHost: other"}}, {"headers": {"X": "\0"}}, {"headers": {"X": "ä"}},
        {"headers": {"X": "x" * 4097}}, {"headers": {f"X{n}": "1" for n in range(51)}},
        {"password": "secret"}, {"username": "a:b", "password": "secret"},
        {"body_matches": "("}, {"body_matches": "(a{1000}){1000}"}, {"body_matches": "(?<=a)b"},
        {"json_equals": {"": 1}}, {"json_equals": {"a": [1]}}, {"max_latency_ms": 0},
        {"tls_expiry_days": -1}, {"ca_certificate": "nonsense"}, {"other": 1},
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValidationError):
        HttpProbe.Configuration.model_validate({"url": "https://a.example", **wrong})
