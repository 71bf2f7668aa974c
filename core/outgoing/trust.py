"""Whom a TLS connection trusts. Making a context takes 20 ms, so they are shared."""

from __future__ import annotations

import ssl
from functools import cache, lru_cache

import httpx

MOST_AUTHORITIES = 64


def context(*, is_verified: bool = True, authority: str = "") -> ssl.SSLContext:
    """A context for clients: with the public authorities and those of this machine, or with
    `authority` alone (PEM), or without any check.

    Raises ValueError for an authority that can't be read.
    """
    if not is_verified:
        return _unverified()
    return _of(authority) if authority else _public()


@cache
def _public() -> ssl.SSLContext:
    made = httpx.create_ssl_context(trust_env=False)
    made.load_default_certs()
    return made


@cache
def _unverified() -> ssl.SSLContext:
    return httpx.create_ssl_context(verify=False, trust_env=False)


@lru_cache(maxsize=MOST_AUTHORITIES)
def _of(authority: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cadata=authority)
    except (ssl.SSLError, TypeError, ValueError):
        raise ValueError("This is no certificate of an authority in PEM") from None
