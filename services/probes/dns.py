"""Whether a name is resolved, and to what it should be."""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from importlib import import_module
from ipaddress import ip_address
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from core.outgoing.addresses import resolve
from core.outgoing.hosts import Host, Port
from core.text import cut
from services.probes.base import Observation, Probe, Target, Unhealthy, register

TRY_SECONDS = 2.0  # then it is asked again: a packet can be lost
MOST_VALUES = 50
SHOWN = 300  # characters of a value

RecordType = Literal["A", "AAAA", "CAA", "CNAME", "MX", "NS", "PTR", "SOA", "SRV", "TXT"]


@cache
def _dns() -> Any:
    """Loaded at first use: it takes every process a twentieth of a second and 4 MB to start."""
    import_module("dns.resolver")
    return import_module("dns")


def _domain(text: str) -> str:
    try:
        return _dns().name.from_unicode(text, idna_codec=_dns().name.IDNA_2008).to_text(True)
    except (_dns().exception.DNSException, UnicodeError):
        raise ValueError("This is no domain name") from None


@register("dns", title="DNS")
class DnsProbe(Probe):
    """Asks the resolvers that this machine is set up with, or one server alone."""

    class Configuration(Probe.Configuration):
        domain: Annotated[str, Field(min_length=1, max_length=253), AfterValidator(_domain)]
        record: RecordType = "A"
        expected: Annotated[
            tuple[Annotated[str, StringConstraints(min_length=1, max_length=1000)], ...],
            Field(max_length=MOST_VALUES, description="Values that have to be in the answer."),
        ] = ()
        server: Host | None = None
        port: Port = 53

        @model_validator(mode="after")
        def _comparable(self) -> Self:
            if self.record in {"A", "AAAA"}:
                for value in self.expected:
                    ip_address(value)
            return self

    def look(self, target: Target) -> Observation:
        settings = self.configuration
        answer = self._answer(self._resolver(target), target)
        values = [_text(record) for record in answer]
        figures = {
            "values": [cut(each, SHOWN) for each in values[:MOST_VALUES]],
            "ttl": answer.rrset.ttl if answer.rrset else None,
        }
        found = {_normal(each, settings.record) for each in values}
        missing = [
            each for each in settings.expected if _normal(each, settings.record) not in found
        ]
        if missing:
            reason = f"{settings.domain} has no {settings.record} record {', '.join(missing)}"
            raise Unhealthy(reason, **figures)
        return Observation(figures=figures)

    def _resolver(self, target: Target) -> Any:
        settings = self.configuration
        if settings.server is None:
            resolver = _dns().resolver.Resolver()
        else:
            resolver = _dns().resolver.Resolver(configure=False)
            resolver.nameservers = resolve(settings.server, settings.port, deadline=target.deadline)
            resolver.port = settings.port
        resolver.timeout = min(TRY_SECONDS, settings.timeout)
        return resolver

    def _answer(self, resolver: Any, target: Target) -> Any:
        domain, record = self.configuration.domain, self.configuration.record
        try:
            return resolver.resolve(domain, record, lifetime=target.remaining(), search=False)
        except _dns().resolver.NXDOMAIN:
            raise Unhealthy(f"There is no domain {domain}") from None
        except _dns().resolver.NoAnswer:
            raise Unhealthy(f"{domain} has no {record} record") from None
        except _dns().resolver.NoNameservers as error:
            told = ", ".join(str(each[-2]) for each in error.kwargs.get("errors", ()))
            raise Unhealthy(
                f"No server could answer for {domain}: {told or 'none is set up'}"
            ) from None
        except _dns().exception.Timeout as error:
            raise TimeoutError from error


def _text(record: Any) -> str:
    """A record as people write it; the text of one of type TXT is in pieces."""
    if hasattr(record, "strings"):
        return b"".join(record.strings).decode(errors="replace")
    return str(record.to_text())


def _normal(value: str, record: str) -> str:
    if record == "TXT":
        return value
    with suppress(ValueError):
        return str(ip_address(value))
    return value.lower().removesuffix(".")
