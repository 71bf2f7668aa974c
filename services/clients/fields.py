"""What several configurations have alike."""

from __future__ import annotations

import ssl
from functools import lru_cache
from tempfile import NamedTemporaryFile
from typing import Annotated

import pydantic
from pydantic import AfterValidator, Field, SecretStr

from core.outgoing import trust
from core.text import is_storable

MOST_CERTIFICATES = 64


def _storable(text: str) -> str:
    if not is_storable(text):
        raise ValueError("This must not contain NUL or lone surrogates")
    return text


Text = Annotated[str, Field(max_length=500), AfterValidator(_storable)]
Pem = Annotated[str, Field(max_length=100_000), AfterValidator(_storable)]
NO_SECRET = SecretStr("")


class Tls(pydantic.BaseModel):
    """TLS, verified: by the public authorities and those of this machine, or by `ca_certificate`
    alone."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    ca_certificate: Annotated[Pem, Field(description="The authority's certificate, as PEM.")] = ""
    certificate: Annotated[Pem, Field(description="Ours, as PEM, for a server that asks.")] = ""
    key: Annotated[SecretStr, Field(description="The key of our certificate.")] = NO_SECRET

    @pydantic.model_validator(mode="after")
    def _is_usable(self) -> Tls:
        if bool(self.certificate) != bool(self.key.get_secret_value()):
            raise ValueError("A certificate and its key go together")
        try:
            self.context()
        except (ssl.SSLError, ValueError):
            raise ValueError(
                "ca_certificate, certificate and key must be PEM, and the key that of the"
                " certificate"
            ) from None
        return self

    def context(self) -> ssl.SSLContext:
        if not self.certificate:
            return trust.context(authority=self.ca_certificate)
        return _with_certificate(self.ca_certificate, self.certificate, self.key.get_secret_value())


@lru_cache(maxsize=MOST_CERTIFICATES)  # reading the authorities takes tens of milliseconds
def _with_certificate(ca: str, certificate: str, key: str) -> ssl.SSLContext:
    made = ssl.create_default_context(cadata=ca or None)
    with NamedTemporaryFile("w", suffix=".pem") as file:  # OpenSSL takes it from a file alone
        file.write(f"{certificate}\n{key}\n")
        file.flush()
        made.load_cert_chain(file.name, password="")
    return made
