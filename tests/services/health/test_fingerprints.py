"""Errors that differ only in what varies from one time to the next are counted together."""

from __future__ import annotations

import time

import pytest

from services.health.fingerprints import fingerprint, pattern
from services.models import ErrorGroup
from tests.services.health.conftest import FAIL, saw


@pytest.mark.parametrize(
    ("error", "alike"),
    [
        ("did not answer within 5 s", "did not answer within 2.5 s"),
        ("connection to 10.0.0.7:5432 refused", "connection to 192.168.1.1:80 refused"),
        ("connection to [::1]:80 refused", "connection to [fe80::2:ab]:8080 refused"),
        ("request 3f2b8c1e-1111-4222-8333-444455556666 failed",
         "request AAAAAAAA-1111-4222-8333-444455556666 failed"),
        ("at 0x7f3a by deadbeef01", "at 0x11 by 00c0ffee77"),
        ('no such column "a.b"', 'no such column "c"'),
        ("no such file 'a'", "no such file '/srv/x y'"),
        ("took 1,024 ms", "took 7 ms"),
        ("a  b", "a b"),
    ],
)  # fmt: skip
def test_what_varies_makes_no_difference(error, alike):
    assert fingerprint(error) == fingerprint(alike)


@pytest.mark.parametrize(
    ("error", "other"),
    [
        ("connection refused", "connection reset"),
        ("database is away", "cache is away"),
        ("can't connect: it's away", "can't read: it's away"),
        ("feed the beef", "face the beef"),
        ("status::up", "status::down"),
        ("5 s", "[::1] s"),
    ],
)
def test_another_error_is_another(error, other):
    assert fingerprint(error) != fingerprint(other)


def test_what_varies_is_named():
    found = pattern('"a" of 10.0.0.7:80 answered 503 after 1.5 s')
    assert found == "<quoted> of <address> answered <number> after <number> s"


@pytest.mark.parametrize("text", ['"' * 2000, "'a" * 1000, "1." * 1000, "a:" * 1000, "::" * 1000])
def test_no_text_takes_long(text):
    began = time.perf_counter()
    fingerprint(text)
    assert time.perf_counter() - began < 0.05


def test_alike_ones_of_a_service_are_one_row_with_the_newest_text(service):
    web = service()
    for seconds in (1, 2, 3):
        saw(web, FAIL, reason=f"did not answer within {seconds} s")
    saw(web, FAIL, reason="connection refused")
    saw(service("shop"), FAIL, reason="did not answer within 9 s")
    found = ErrorGroup.objects.filter(service=web).order_by("first_seen_at")
    assert [(each.error, each.count) for each in found] == [
        ("did not answer within 3 s", 3), ("connection refused", 1),
    ]  # fmt: skip
    assert found[0].first_seen_at < found[0].last_seen_at < found[1].last_seen_at
    assert ErrorGroup.objects.count() == 3
