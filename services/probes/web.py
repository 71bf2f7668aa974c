"""What the probes that ask by HTTP have in common."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any, Self

import httpx
import orjson
from pydantic import AfterValidator, Field, SecretStr, StringConstraints, model_validator

from core.outgoing import http, trust
from core.outgoing.hosts import Url
from services.probes.base import Probe, Target, Unhealthy

MOST_HEADERS = 50
LONGEST_HEADER = 4096
# They say where a message ends: with them in other hands, one request could hide another.
FRAMING = {"connection", "content-length", "te", "trailer", "transfer-encoding", "upgrade"}
_VALUE = re.compile(rf"[\t -~]{{0,{LONGEST_HEADER}}}")


def _header_name(name: str) -> str:
    if name.lower() in FRAMING:
        raise ValueError(f"{name} is set by the client")
    return name


def _header_value(value: SecretStr) -> SecretStr:
    if not _VALUE.fullmatch(value.get_secret_value()):
        raise ValueError(f"A header has at most {LONGEST_HEADER} characters, all printable ASCII")
    return value


def _authority(pem: str) -> str:
    trust.context(authority=pem)
    return pem


HeaderName = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,100}$"), AfterValidator(_header_name)
]
HeaderValue = Annotated[SecretStr, AfterValidator(_header_value)]


class WebConfiguration(Probe.Configuration):
    url: Url
    headers: Annotated[
        dict[HeaderName, HeaderValue],
        Field(
            max_length=MOST_HEADERS,
            description="Sent to the host of the URL, not to where that may redirect.",
        ),
    ] = {}
    username: Annotated[
        str, Field(max_length=200, pattern="^[^:]*$", description="For HTTP Basic.")
    ] = ""
    password: Annotated[SecretStr, Field(max_length=1000)] | None = None
    follow_redirects: bool = True
    verify_tls: Annotated[
        bool, Field(description="False takes any certificate: whoever is between can read along.")
    ] = True
    ca_certificate: Annotated[
        str,
        Field(max_length=65_536, description="PEM of the only authority to trust."),
        AfterValidator(_authority),
    ] = ""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.password is not None and not self.username:
            raise ValueError("A password needs a username")
        if self.ca_certificate and not self.verify_tls:
            raise ValueError("With verify_tls false, no authority is looked at")
        return self


@contextmanager
def answered(
    settings: WebConfiguration,
    target: Target,
    *,
    url: str = "",
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
) -> Iterator[httpx.Response]:
    """The answer to one request, its body not yet read.

    Raises TimeoutError, also while the body is read; AddressRefused; httpx.HTTPError.
    """
    secrets = {name: value.get_secret_value() for name, value in settings.headers.items()}
    password = settings.password.get_secret_value() if settings.password else ""
    try:
        with (
            http.client(
                deadline=target.deadline,
                headers={**(headers or {}), **secrets},
                follow_redirects=settings.follow_redirects,
                tls=trust.context(
                    is_verified=settings.verify_tls, authority=settings.ca_certificate
                ),
            ) as client,
            client.stream(
                method,
                url or settings.url,
                auth=httpx.BasicAuth(settings.username, password) if settings.username else None,
            ) as answer,
        ):
            yield answer
    except httpx.ConnectTimeout as error:
        raise TimeoutError(str(error)) from error
    except httpx.TimeoutException as error:
        raise TimeoutError from error


def json_of(answer: httpx.Response) -> Any:
    """The document in the body. Raises Unhealthy when there is none."""
    try:
        return orjson.loads(answer.read())
    except orjson.JSONDecodeError:
        raise Unhealthy(f"It answered {answer.status_code}, and not with JSON") from None
