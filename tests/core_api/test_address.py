"""Whose address counts."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from core.api import address


@pytest.fixture(autouse=True)
def proxies(settings):
    settings.TRUSTED_PROXIES = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))
    address._client.cache_clear()
    yield
    address._client.cache_clear()


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("192.0.2.1", "", "192.0.2.1"),
        ("192.0.2.1", "203.0.113.9", "192.0.2.1"),
        ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "1.2.3.4, 203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "203.0.113.9, 10.0.0.2", "203.0.113.9"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", "nonsense, 10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("fd00::1", "2001:db8::5", "2001:db8::5"),
        ("::ffff:10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("::ffff:192.0.2.1", "", "192.0.2.1"),
        ("fe80::1%eth0", "", "fe80::1"),
        ("", "203.0.113.9", None),
    ],
)
def test_only_a_trusted_proxy_is_believed(rf, peer, forwarded, client):
    request = rf.get("/", REMOTE_ADDR=peer, headers={"X-Forwarded-For": forwarded})
    assert address.client_address(request) == client
