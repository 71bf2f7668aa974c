"""Which workload of which Kubernetes cluster is meant."""

from __future__ import annotations

from typing import Annotated, Literal

import pydantic
from pydantic import AfterValidator, Field, SecretStr, StringConstraints

from core.outgoing.hosts import Url
from services.clients.fields import NO_SECRET, Pem, Text, Tls

# As Kubernetes takes them: they become parts of addresses.
Name = Annotated[
    str, StringConstraints(max_length=253, pattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$")
]


def _for_a_header(token: SecretStr) -> SecretStr:
    text = token.get_secret_value()
    if not (text.isascii() and text.isprintable()):
        raise ValueError("This must be printable ASCII without line breaks")
    return token


Kind = Literal["Deployment", "StatefulSet", "DaemonSet"]


class Workload(pydantic.BaseModel):
    """A workload, and its cluster: the API server at `host`, or `context` of the server's own
    kubeconfig (NEXUS_KUBECONFIG), or the cluster that Nexus itself runs in."""

    kind: Kind = "Deployment"
    namespace: Name = "default"
    name: Name
    host: Annotated[Url | None, Field(description="https://host:6443 of the API server.")] = None
    token: Annotated[
        SecretStr,
        Field(description="Of a service account, for `host`."),
        AfterValidator(_for_a_header),
    ] = NO_SECRET
    ca_certificate: Annotated[Pem, Field(description="The authority of `host`, as PEM.")] = ""
    context: Annotated[Text, Field(description="Of the kubeconfig; its current one if empty.")] = ""

    @pydantic.model_validator(mode="after")
    def _one_cluster(self) -> Workload:
        if self.host is None and (self.ca_certificate or self.token.get_secret_value()):
            raise ValueError("token and ca_certificate go with host")
        if self.host is not None and self.context:
            raise ValueError("Give either host or context")
        self.tls()
        return self

    def tls(self) -> Tls:
        return Tls(ca_certificate=self.ca_certificate)
