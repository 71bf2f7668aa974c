"""The dns probe sees whether a name is resolved, and to what it should be."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from pydantic import ValidationError

from core import options
from services.probes.base import Outcome, Status
from services.probes.dns import DnsProbe

ZONE = {
    ("shop.example.", "A"): ["192.0.2.1", "192.0.2.2"],
    ("shop.example.", "AAAA"): ["2001:db8::1"],
    ("shop.example.", "MX"): ["10 Mail.example."],
    ("shop.example.", "TXT"): ['"v=spf1 " "-all"'],
    ("_sip._tcp.shop.example.", "SRV"): ["0 5 5060 sip.example."],
    ("xn--bcher-kva.example.", "A"): ["192.0.2.3"],
}


@dataclass
class Server:
    """A name server; `mode` is how it takes questions."""

    port: int
    mode: str = "answers"
    asked: list[str] = field(default_factory=list)

    def answer(self, question: bytes) -> bytes | None:
        query = dns.message.from_wire(question)
        [asked] = query.question
        self.asked.append(asked.to_text())
        if self.mode == "hangs" or (self.mode == "loses the first" and len(self.asked) == 1):
            return None
        response = dns.message.make_response(query)
        kind = asked.to_text().split()[-1]
        records = ZONE.get((asked.name.to_text(), kind))
        if self.mode == "fails":
            response.set_rcode(dns.rcode.SERVFAIL)
        elif records:
            response.answer.append(dns.rrset.from_text(asked.name, 300, "IN", kind, *records))
        elif not any(name == asked.name.to_text() for name, _ in ZONE):
            response.set_rcode(dns.rcode.NXDOMAIN)
        return response.to_wire()


@pytest.fixture
def server() -> Iterator[Server]:
    over = threading.Event()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(0.05)
        made = Server(listener.getsockname()[1])

        def serve() -> None:
            while not over.is_set():
                try:
                    question, where = listener.recvfrom(4096)
                except TimeoutError:
                    continue
                if answer := made.answer(question):
                    listener.sendto(answer, where)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield made
        over.set()
        thread.join()


@pytest.fixture
def ask(look, server):
    def ask(domain: str = "shop.example", **more):
        return look("dns", domain=domain, server="127.0.0.1", port=server.port, **more)

    return ask


def test_a_name_that_is_resolved_is_healthy(ask):
    seen = ask()
    assert (seen.outcome, seen.reason) == (Outcome.PASS, "")
    assert sorted(seen.figures["values"]) == ["192.0.2.1", "192.0.2.2"]
    assert seen.figures["ttl"] == 300


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ("A", ["192.0.2.2"]),
        ("A", ["192.0.2.2", "192.0.2.1"]),
        ("AAAA", ["2001:0DB8:0::1"]),
        ("MX", ["10 mail.example"]),
        ("TXT", ["v=spf1 -all"]),
    ],
)
def test_values_that_are_expected_are_looked_for(ask, record, expected):
    assert ask(record=record, expected=expected).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("record", "expected", "reason"),
    [
        ("A", ["192.0.2.1", "192.0.2.9"], "shop.example has no A record 192.0.2.9"),
        ("TXT", ["V=SPF1 -all"], "shop.example has no TXT record V=SPF1 -all"),
    ],
)
def test_a_value_that_is_missing_is_unhealthy(ask, record, expected, reason):
    seen = ask(record=record, expected=expected)
    assert (seen.outcome, seen.reason) == (Outcome.FAIL, reason)
    assert seen.figures["values"]


@pytest.mark.parametrize(
    ("domain", "record"), [("_sip._tcp.shop.example", "SRV"), ("Bücher.example", "A")]
)
def test_names_of_services_and_of_other_scripts_are_asked_for(ask, domain, record):
    assert ask(domain, record=record).outcome is Outcome.PASS


def test_a_domain_that_is_not_there_is_unhealthy(ask):
    seen = ask("nowhere.example")
    assert (seen.outcome, seen.reason) == (Outcome.FAIL, "There is no domain nowhere.example")


def test_a_domain_without_such_a_record_is_unhealthy(ask):
    seen = ask(record="CAA")
    assert (seen.outcome, seen.reason) == (Outcome.FAIL, "shop.example has no CAA record")


def test_a_server_that_fails_is_unhealthy(ask, server):
    server.mode = "fails"
    seen = ask(timeout=1)
    assert seen.outcome is Outcome.FAIL
    assert seen.reason == "No server could answer for shop.example: SERVFAIL"


def test_a_server_that_hangs_is_waited_for_until_the_deadline(ask, server):
    server.mode = "hangs"
    began = time.monotonic()
    seen = ask(timeout=0.3)
    assert time.monotonic() - began < 1
    assert (seen.outcome, seen.status) == (Outcome.FAIL, Status.UNKNOWN)
    assert seen.reason == "did not answer within 0.3 s"


def test_a_server_is_asked_again_when_a_packet_was_lost(ask, server, monkeypatch):
    monkeypatch.setattr("services.probes.dns.TRY_SECONDS", 0.1)
    server.mode = "loses the first"
    assert ask().outcome is Outcome.PASS
    assert len(server.asked) == 2


def test_a_server_on_this_machine_is_asked_only_when_that_is_allowed(ask, server):
    with options.replaced({}):
        seen = ask()
    assert seen.outcome is Outcome.FAIL
    assert "outgoing.allowed_networks" in seen.reason
    assert server.asked == []


def test_without_a_server_the_resolvers_of_the_machine_are_asked(look, server, monkeypatch):
    def as_configured(resolver: dns.resolver.Resolver, *_: object) -> None:
        resolver.nameservers = ["127.0.0.1"]
        resolver.port = server.port

    monkeypatch.setattr("dns.resolver.Resolver.read_resolv_conf", as_configured)
    with options.replaced({}):
        assert look("dns", domain="shop.example").outcome is Outcome.PASS
    assert server.asked == ["shop.example. IN A"]


@pytest.mark.parametrize(
    "wrong",
    [{"domain": ""}, {"domain": "a..b"}, {"domain": "x" * 64 + ".example"}, {"domain": "\ud800"},
     {"record": "ANY"}, {"record": "AXFR"}, {"expected": ["not an address"]}, {"expected": [""]},
     {"server": "a b"}, {"port": 0}, {"other": 1}],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValidationError):
        DnsProbe.Configuration.model_validate({"domain": "a.example", **wrong})
