"""Only public addresses are connected to, and others that an operator allowed."""

from __future__ import annotations

import os
import socket
import threading
import time

import pytest
from pydantic import TypeAdapter, ValidationError

from core import options
from core.options.option import registry
from core.outgoing import addresses, hosts
from core.outgoing.addresses import AddressRefused
from tests.waiting import until

LOOPBACK = ["127.0.0.0/8", "::1/128"]
REFUSED = [
    "127.0.0.1", "127.8.9.10", "localhost", "LOCALHOST", "[::1]", "::1",
    "0.0.0.0", "::", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1",
    "169.254.1.1", "169.254.169.254", "fd00:ec2::254", "100.100.100.200", "100.64.0.1",
    "192.0.0.192", "168.63.129.16", "fe80::1", "fc00::1", "fd12:3456::1", "fec0::1",
    "224.0.0.1", "239.1.2.3", "ff02::1", "ff0e::1", "240.0.0.1", "255.255.255.255",
    "192.0.2.1", "198.18.0.1", "198.51.100.7", "203.0.113.7", "192.88.99.1",
    "2001:db8::1", "3fff::1", "100::1", "5f00::1", "64:ff9b:1::a00:1",
    "::ffff:127.0.0.1", "[::ffff:169.254.169.254]", "::ffff:7f00:1", "::127.0.0.1", "::7f00:1",
    "64:ff9b::7f00:1", "64:ff9b::169.254.169.254", "2002:7f00:1::1", "2002:a9fe:a9fe::",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:0:7f00:1::1",
    "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "127.1", "0", "2852039166",
]  # fmt: skip
NOT_HOSTS = [
    "", " ", ".", "a..b", "a b", "a/b", "a@b", "a:80", "host:", "http://a", "a\0b", "-a.example",
    "a" * 64, ".".join(["a" * 60] * 5), "fe80::1%lo", "[fe80::1%25lo]", "[127.0.0.1]", "[::1",
    "1.2.3.4%lo", "\ud800", "xn--\ud800", "日本語" * 40, "١٢٧.0.0.1/8",
]  # fmt: skip


def soon(seconds: float = 5.0) -> float:
    return time.monotonic() + seconds


@pytest.mark.parametrize("host", REFUSED)
def test_what_is_not_public_is_refused(host):
    with pytest.raises(AddressRefused) as refused:
        addresses.resolve(host, 80, deadline=soon())
    assert refused.value.code == "address_refused"
    assert host in refused.value.message
    assert "outgoing.allowed_networks" in refused.value.message


@pytest.mark.parametrize(
    "host",
    ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "[2a00:1450::1]", "64:ff9b::101:101",
     "::ffff:1.1.1.1", "0x01010101"],
)  # fmt: skip
def test_what_is_public_is_not_refused(host):
    assert addresses.resolve(host, 80, deadline=soon())


@pytest.mark.option("outgoing.allowed_networks")
def test_what_is_refused_names_the_networks_that_let_it_pass():
    for host in REFUSED:
        allowed: list[str] = []
        while advised := networks_advised(host, allowed):
            assert not set(advised) & set(allowed)
            allowed += advised
        assert allowed
        assert all(int(network.partition("/")[2]) >= 8 for network in allowed)


def networks_advised(host: str, allowed: list[str]) -> list[str]:
    """What the refusal says to allow beside what is allowed; nothing when nobody refuses it."""
    with options.replaced({"outgoing.allowed_networks": allowed}):
        try:
            addresses.resolve(host, 80, deadline=soon())
        except AddressRefused as refused:
            return refused.message.rpartition(", add ")[2].partition(" to ")[0].split(" and ")
    return []


@pytest.mark.parametrize(
    ("wrong", "why"), [("10.0.0.1/8", "host bits"), ("nonsense", "does not appear"), ("", "")]
)
def test_only_networks_can_be_allowed(wrong, why):
    problem = registry.get("outgoing.allowed_networks").problem([wrong])
    assert problem is not None
    assert problem.field == "outgoing.allowed_networks.0"
    assert why in problem.message


def test_an_allowed_network_does_not_allow_its_neighbours():
    with options.replaced({"outgoing.allowed_networks": ["10.1.0.0/16"]}):
        assert addresses.resolve("10.1.255.1", 80, deadline=soon()) == ["10.1.255.1"]
        for host in ("10.2.0.1", "127.0.0.1", "169.254.169.254", "::ffff:10.2.0.1"):
            with pytest.raises(AddressRefused):
                addresses.resolve(host, 80, deadline=soon())


@pytest.mark.parametrize("host", NOT_HOSTS)
def test_what_is_no_host_is_refused(host):
    with pytest.raises(AddressRefused, match="Can't connect to"):
        addresses.resolve(host, 80, deadline=soon())
    with pytest.raises(ValidationError):
        TypeAdapter(hosts.Host).validate_python(host)


@pytest.mark.parametrize(
    ("given", "normal"),
    [
        ("Example.COM", "example.com"),
        ("example.com.", "example.com."),
        ("my_service", "my_service"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("faß.example", "xn--fa-hia.example"),
        ("[2606:4700:0:0::1]", "2606:4700::1"),
        (" 1.1.1.1 ", "1.1.1.1"),
    ],
)
def test_a_host_is_written_in_one_way(given, normal):
    assert TypeAdapter(hosts.Host).validate_python(given) == normal


@pytest.mark.parametrize(
    "url",
    ["ftp://a.example/", "file:///etc/passwd", "http://", "http:///path", "//a.example",
     "a.example", "http://user:secret@a.example/", "http://user@a.example", "http://a.example:0/",
     "http://a.example:70000/", "http://[fe80::1%25lo]/", "http://a b.example/", "http://\0/",
     "http://\ud800.example/", "http://a.example/" + "x" * 2000, "http://-a.example"],
)  # fmt: skip
def test_a_url_that_would_not_do_is_refused_where_it_is_defined(url):
    with pytest.raises(ValidationError):
        TypeAdapter(hosts.Url).validate_python(url)


def test_one_refused_address_among_public_ones_is_enough(names):
    names["mixed.example"] = [["1.1.1.1", "169.254.169.254"]]
    with pytest.raises(AddressRefused, match=r"mixed\.example:80 at 169\.254\.169\.254 is not"):
        addresses.resolve("mixed.example", 80, deadline=soon())


def test_a_name_that_means_something_else_the_second_time_is_connected_to_as_checked(names):
    with socket.create_server(("127.0.0.1", 0)) as checked:
        names["rebinding.example"] = [["127.0.0.1"], ["127.0.0.2"]]
        port = checked.getsockname()[1]
        with (
            options.replaced({"outgoing.allowed_networks": ["127.0.0.1/32"]}),
            addresses.connect("rebinding.example", port, deadline=soon()) as connected,
        ):
            assert connected.getpeername()[0] == "127.0.0.1"
        with pytest.raises(AddressRefused, match=r"127\.0\.0\.2"):
            addresses.connect("rebinding.example", port, deadline=soon())


def test_the_next_address_is_tried_when_one_takes_no_connection(names):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        names["two.example"] = [["::1", "127.0.0.1"]]
        with (
            options.replaced({"outgoing.allowed_networks": LOOPBACK}),
            addresses.connect(
                "two.example", listener.getsockname()[1], deadline=soon()
            ) as connected,
        ):
            assert connected.getpeername()[0] == "127.0.0.1"
            assert connected.gettimeout() is None


def test_an_address_that_takes_no_connection_is_named():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with (
        options.replaced({"outgoing.allowed_networks": LOOPBACK}),
        pytest.raises(ConnectionError, match=rf"127\.0\.0\.1:{port}: Connection refused"),
    ):
        addresses.connect("127.0.0.1", port, deadline=soon())


def test_a_listener_that_accepts_nothing_costs_no_more_than_the_deadline():
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        port = full.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:  # fill its queue
            each.setblocking(False)
            each.connect_ex(("127.0.0.1", port))
        began = time.monotonic()
        with (
            options.replaced({"outgoing.allowed_networks": LOOPBACK}),
            pytest.raises(TimeoutError, match="did not take a connection in time"),
        ):
            addresses.connect("127.0.0.1", port, deadline=soon(0.2))
        assert time.monotonic() - began < 1
        for each in waiting:
            each.close()


@pytest.mark.parametrize("port", [0, -1, 65_536, 10**9])
def test_a_port_that_does_not_exist_is_refused(port):
    with pytest.raises(AddressRefused, match="there is no port"):
        addresses.connect("1.1.1.1", port, deadline=soon())


def test_a_name_that_nobody_knows_is_named():
    with pytest.raises(OSError, match=r"nowhere\.invalid can't be resolved"):
        addresses.resolve("nowhere.invalid", 80, deadline=soon())


def test_a_resolver_that_hangs_costs_no_more_than_the_deadline_and_one_thread(monkeypatch):
    answers = threading.Event()
    asked: list[bytes] = []

    def hanging(host, *_, **__):
        asked.append(host)
        answers.wait(30)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("1.1.1.1", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", hanging)
    began = time.monotonic()
    for _ in range(3):
        with pytest.raises(TimeoutError, match=r"slow\.example could not be resolved in time"):
            addresses.resolve("slow.example", 80, deadline=soon(0.05))
    assert time.monotonic() - began < 1
    assert asked == [b"slow.example"]
    answers.set()
    until(lambda: not addresses._under_way)
    assert addresses.resolve("slow.example", 80, deadline=soon()) == ["1.1.1.1"]
    assert len(asked) == 2


def test_a_resolver_that_breaks_is_asked_again(monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("unexpected")

    monkeypatch.setattr(socket, "getaddrinfo", broken)
    for _ in range(2):
        with pytest.raises(OSError, match=r"a\.example can't be resolved: unexpected"):
            addresses.resolve("a.example", 80, deadline=soon())


def test_a_child_does_not_wait_for_threads_of_its_parent(monkeypatch):
    answers = threading.Event()
    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answers.wait(30) and [])
    with pytest.raises(TimeoutError):
        addresses.resolve("forked.example", 80, deadline=soon(0.01))
    monkeypatch.setattr(socket, "getaddrinfo", real)
    child = os.fork()
    if not child:
        os._exit(len(addresses._under_way))
    assert os.waitpid(child, 0)[1] == 0
    answers.set()
    until(lambda: not addresses._under_way)


def test_a_zone_that_a_resolver_names_is_kept(monkeypatch):
    answer = [(socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("fe80::1", 0, 0, 1))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answer)
    with pytest.raises(AddressRefused, match="fe80::1/128"):
        addresses.resolve("printer.local", 80, deadline=soon())
    with options.replaced({"outgoing.allowed_networks": ["fe80::/10"]}):
        assert addresses.resolve("printer.local", 80, deadline=soon()) == ["fe80::1%1"]
