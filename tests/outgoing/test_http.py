"""The HTTP client connects to checked addresses only, and ends in time."""

from __future__ import annotations

import gzip
import os
import socket
import ssl
import time

import httpx
import pytest

from core import options
from core.outgoing import http, trust
from core.outgoing.addresses import AddressRefused
from tests.waiting import until
from tests.web_servers import Answer, certificate, serving


def soon(seconds: float = 5.0) -> float:
    return time.monotonic() + seconds


def get(url: str, *, deadline: float | None = None, **more) -> httpx.Response:
    with http.client(deadline=deadline or soon(), **more) as client:
        return client.get(url)


def redirect(to: str) -> Answer:
    return Answer(302, b"", {"Location": to})


def test_an_answer_comes_back_whole(web):
    web.routes["/health"] = Answer(503, b"sorry", {"X-Why": "load"})
    answer = get(f"{web.url}/health?deep=1")
    assert (answer.status_code, answer.text, answer.headers["X-Why"]) == (503, "sorry", "load")
    assert web.asked[0].path == "/health?deep=1"
    assert web.asked[0].headers["user-agent"].startswith("Nexus/")


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1", "127.1",
     "169.254.169.254", "[fd00:ec2::254]", "10.0.0.1", "0.0.0.0"],
)  # fmt: skip
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_nothing_is_sent_to_an_address_that_is_not_public(host, scheme):
    with serving() as server, pytest.raises(AddressRefused, match=r"outgoing\.allowed_networks"):
        get(f"{scheme}://{host}:{server.port}/")
    assert server.asked == []


@pytest.mark.parametrize(
    "to",
    ["http://127.0.0.2:{port}/", "http://localhost:{port}/", "http://[::1]:{port}/",
     "//169.254.169.254/latest/meta-data", "http://[::ffff:a9fe:a9fe]/", "https://10.0.0.1/",
     "http://2852039166/", "http://127.0.0.1:{port}/further"],
)  # fmt: skip
def test_a_redirect_to_a_refused_address_is_not_followed(web, to, names):
    names["localhost"] = [["127.0.0.2"]]
    web.routes["/"] = redirect(to.format(port=web.port))
    web.routes["/further"] = redirect("http://192.168.0.1/")
    with pytest.raises(AddressRefused):
        get(f"{web.url}/", follow_redirects=True)
    assert {each.path for each in web.asked} <= {"/", "/further"}


@pytest.mark.parametrize(
    "to", ["file:///etc/passwd", "gopher://127.0.0.1/", "http://[fe80::1%25lo]/"]
)
def test_a_redirect_to_what_is_no_web_address_fails(web, to):
    web.routes["/"] = redirect(to)
    with pytest.raises((httpx.UnsupportedProtocol, httpx.RemoteProtocolError, AddressRefused)):
        get(f"{web.url}/", follow_redirects=True)


def test_a_redirect_to_an_allowed_address_is_followed(web):
    web.routes["/"] = redirect("/there")
    web.routes["/there"] = Answer(200, b"here")
    assert get(f"{web.url}/", follow_redirects=True).text == "here"
    assert get(f"{web.url}/").status_code == 302


def test_redirects_come_to_an_end(web):
    web.routes["/"] = redirect("/")
    with pytest.raises(httpx.TooManyRedirects):
        get(f"{web.url}/", follow_redirects=True)
    assert len(web.asked) == http.MAX_REDIRECTS + 1


def test_each_connection_of_a_name_is_checked(web, names):
    names["rebinding.example"] = [["127.0.0.1"], ["169.254.169.254"]]
    web.routes["/"] = Answer(302, b"", {"Location": "/again", "Connection": "close"})
    with pytest.raises(AddressRefused, match=r"169\.254\.169\.254"):
        get(f"http://rebinding.example:{web.port}/", follow_redirects=True)
    assert [each.path for each in web.asked] == ["/"]
    assert names["rebinding.example"] == []


def test_secret_headers_stay_where_they_were_meant_for(web):
    with serving() as other:
        web.routes["/"] = redirect("/inside")
        web.routes["/inside"] = redirect(f"{other.url}/outside")
        other.routes["/outside"] = Answer()
        get(f"{web.url}/", headers={"X-Api-Key": "secret"}, follow_redirects=True)
    assert [each.headers.get("x-api-key") for each in web.asked] == ["secret", "secret"]
    assert "x-api-key" not in other.asked[0].headers


def test_a_server_that_drips_is_left_at_the_deadline(web):
    web.routes["/"] = web.drip
    began = time.monotonic()
    with pytest.raises(httpx.ReadTimeout):
        get(f"{web.url}/", deadline=soon(0.3))
    assert 0.25 < time.monotonic() - began < 1


def test_redirects_do_not_buy_time(web):
    web.routes["/"] = redirect("/slow")
    web.routes["/slow"] = web.hang
    began = time.monotonic()
    with pytest.raises(httpx.ReadTimeout):
        get(f"{web.url}/", deadline=soon(0.3), follow_redirects=True)
    assert time.monotonic() - began < 1


def test_a_server_that_does_not_speak_tls_is_left_at_the_deadline():
    with (
        options.replaced({"outgoing.allowed_networks": ["127.0.0.1/32"]}),
        socket.create_server(("127.0.0.1", 0)) as silent,
    ):
        began = time.monotonic()
        with pytest.raises(httpx.ConnectTimeout):
            get(f"https://127.0.0.1:{silent.getsockname()[1]}/", deadline=soon(0.2))
        assert time.monotonic() - began < 1


def test_a_server_that_reads_nothing_is_left_at_the_deadline():
    with (
        options.replaced({"outgoing.allowed_networks": ["127.0.0.1/32"]}),
        socket.create_server(("127.0.0.1", 0)) as deaf,
        http.client(deadline=soon(0.3)) as client,
    ):
        began = time.monotonic()
        with pytest.raises(httpx.TimeoutException):
            client.post(f"http://127.0.0.1:{deaf.getsockname()[1]}/", content=bytes(50_000_000))
        assert time.monotonic() - began < 1.5


def test_after_the_deadline_nothing_is_sent(web):
    web.routes["/"] = Answer()
    deadline = soon(0.2)
    with http.client(deadline=deadline) as client:
        assert client.get(f"{web.url}/").text == "fine"
        until(lambda: time.monotonic() > deadline)
        for _ in range(2):  # on the connection that there is, and on a new one
            with pytest.raises(httpx.TimeoutException):
                client.get(f"{web.url}/")
    assert len(web.asked) == 1


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_is_too_large_is_not_read(web, chunked):
    def endless(handler):
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        while True:
            handler.wfile.write(b"400\r\n" + bytes(0x400) + b"\r\n")

    web.routes["/"] = endless if chunked else Answer(200, bytes(10_001))
    with pytest.raises(http.BodyTooLarge, match="larger than 10,000 bytes"):
        get(f"{web.url}/", max_bytes=10_000)


def test_a_body_of_the_largest_size_is_read(web):
    web.routes["/"] = Answer(200, bytes(10_000))
    assert len(get(f"{web.url}/", max_bytes=10_000).content) == 10_000


def test_a_body_that_would_unpack_to_a_thousand_times_its_size_is_refused(web):
    web.routes["/"] = Answer(200, gzip.compress(bytes(10**7)), {"Content-Encoding": "gzip"})
    with pytest.raises(httpx.DecodingError):
        get(f"{web.url}/")


def test_proxies_of_the_environment_are_not_used(web, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    web.routes["/"] = Answer()
    assert get(f"{web.url}/").text == "fine"


def test_a_server_that_breaks_off_is_an_http_error(web):
    def rude(handler):
        handler.wfile.write(b"nonsense\r\n\r\n")
        handler.close_connection = True

    web.routes["/"] = rude
    with pytest.raises(httpx.RemoteProtocolError):
        get(f"{web.url}/")


def test_a_certificate_of_an_unknown_authority_is_refused(secure):
    server, authority = secure
    server.routes["/"] = Answer()
    with pytest.raises(httpx.ConnectError, match="The certificate is not trusted: self-signed"):
        get(f"{server.url}/")
    assert get(f"{server.url}/", tls=trust.context(authority=authority)).text == "fine"
    assert get(f"{server.url}/", tls=trust.context(is_verified=False)).text == "fine"
    assert [each.path for each in server.asked] == ["/", "/"]


def test_a_certificate_must_be_for_the_name_that_was_asked_for(secure, names):
    server, authority = secure
    names["other.example"] = [["127.0.0.1"]]
    names["localhost."] = [["127.0.0.1"]]
    server.routes["/"] = Answer()
    own = trust.context(authority=authority)
    with pytest.raises(httpx.ConnectError, match="Hostname mismatch"):
        get(f"https://other.example:{server.port}/", tls=own)
    assert get(f"https://localhost.:{server.port}/", tls=own).text == "fine"


def test_an_expired_certificate_is_refused(tmp_path):
    context, authority = certificate(tmp_path, days=-1)
    with (
        serving(context) as server,
        options.replaced({"outgoing.allowed_networks": ["127.0.0.1/32"]}),
        pytest.raises(httpx.ConnectError, match="certificate has expired"),
    ):
        get(f"{server.url}/", tls=trust.context(authority=authority))


@pytest.mark.parametrize("authority", ["nonsense", "\ud800", "-----BEGIN CERTIFICATE-----"])
def test_what_is_no_authority_is_told(authority):
    with pytest.raises(ValueError, match="no certificate of an authority"):
        trust.context(authority=authority)


def test_public_certificates_are_trusted_and_verified():
    context = trust.context()
    assert context is trust.context()
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname
    assert len(context.get_ca_certs()) > 50
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


def test_no_connection_is_left_open(web):
    web.routes["/"] = Answer()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        get(f"{web.url}/")
    assert len(os.listdir("/proc/self/fd")) - before < 10
