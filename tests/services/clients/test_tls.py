from __future__ import annotations

import ssl

import pydantic
import pytest

from core.health.checks import Outcome
from services.clients.fields import Tls
from tests.services.docker_engine import engine_on_port
from tests.services.probes.conftest import look  # noqa: F401
from tests.web_servers import certificate


@pytest.fixture
def strict_server(tmp_path):
    """The side of a server that lets in who has a certificate of its authority; and one's TLS."""
    context, authority = certificate(tmp_path, days=30)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cadata=authority)
    private = (tmp_path / "server.pem").read_text().partition("-----BEGIN CERTIFICATE")[0]
    return context, {"ca_certificate": authority, "certificate": authority, "key": private}


def test_our_certificate_is_shown_to_a_server_that_asks(look, strict_server):  # noqa: F811
    context, tls = strict_server
    with engine_on_port(context) as (_, port):
        where = {"url": f"tcp://127.0.0.1:{port}", "container": "web"}
        known = look("docker", **where, tls=tls)
        unknown = look("docker", **where, tls={"ca_certificate": tls["ca_certificate"]})

    assert known.outcome is Outcome.PASS
    assert unknown.outcome is Outcome.FAIL


def test_a_key_of_another_certificate_is_refused(strict_server, tmp_path):
    _, tls = strict_server
    (tmp_path / "other").mkdir()
    certificate(tmp_path / "other", days=30)
    other = (tmp_path / "other" / "server.pem").read_text().partition("-----BEGIN CERT")[0]

    with pytest.raises(pydantic.ValidationError, match="must be PEM"):
        Tls(**{**tls, "key": other})


@pytest.mark.parametrize(
    "wrong",
    [
        {"ca_certificate": "nothing"},
        {"certificate": "x"},
        {"key": "x"},
        {"certificate": "x", "key": "y"},
    ],
)
def test_what_is_no_pem_is_refused(wrong):
    with pytest.raises(pydantic.ValidationError):
        Tls(**wrong)
