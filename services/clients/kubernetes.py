"""The official client of Kubernetes, with connections that are made by us where a user of the API
said where to."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

import urllib3
from django.conf import settings
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from kubernetes.config import ConfigException
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError, SSLError

from services.clients import http, sockets
from services.clients.errors import NotAnswered, NotReached, Refused
from services.clients.rollouts import REPLICAS, Rollout
from services.clients.workloads import Workload

RESOURCES = {
    "Deployment": "deployment",
    "StatefulSet": "stateful_set",
    "DaemonSet": "daemon_set",
}
RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"
TOO_MANY_REQUESTS, SERVER_ERROR = 429, 500


@dataclass(frozen=True, slots=True)
class Cluster:
    """One conversation about one workload."""

    api: client.ApiClient
    workload: Workload

    @classmethod
    @contextmanager
    def connected(cls, workload: Workload, *, deadline: float) -> Iterator[Self]:
        with _as_ours(), sockets.bounded(deadline), _api(workload) as api:
            yield cls(api, workload)

    def read(self) -> Rollout:
        return Rollout.read(self._asked("read"))

    def restart(self, moment: datetime) -> Rollout:
        """Give every pod a successor, as `kubectl rollout restart` does. The same moment again
        changes nothing."""
        annotations = {RESTARTED_AT: moment.isoformat(timespec="seconds")}
        return self._patched({"spec": {"template": {"metadata": {"annotations": annotations}}}})

    def stop(self, replicas: int) -> Rollout:
        """Scale it to nothing, keeping how many replicas there were."""
        return self._patched(
            {"metadata": {"annotations": {REPLICAS: str(replicas)}}, "spec": {"replicas": 0}}
        )

    def start(self, replicas: int) -> Rollout:
        return self._patched(
            {"metadata": {"annotations": {REPLICAS: None}}, "spec": {"replicas": replicas}}
        )

    def logs(self, lines: int, container: str) -> list[str]:
        """Of the newest pod; of its first container unless one is named."""
        core, asked = client.CoreV1Api(self.api), self.workload
        listed = core.list_namespaced_pod(
            asked.namespace, label_selector=self.read().selector, **_bounds()
        )
        pods = json.loads(listed.data)["items"]
        if not pods:
            raise Refused(f"{asked.kind} {asked.name} has no pod.")
        newest = max(pods, key=lambda each: str(each["metadata"]["creationTimestamp"]))
        told = core.read_namespaced_pod_log(
            newest["metadata"]["name"],
            asked.namespace,
            container=container or newest["spec"]["containers"][0]["name"],
            tail_lines=lines,
            **_bounds(),
        )
        return list(told.data.decode(errors="replace").splitlines())

    def _patched(self, patch: Mapping[str, Any]) -> Rollout:
        return Rollout.read(self._asked("patch", body=patch))

    def _asked(self, verb: str, **arguments: Any) -> dict[str, Any]:
        asked = self.workload
        call = getattr(client.AppsV1Api(self.api), f"{verb}_namespaced_{RESOURCES[asked.kind]}")
        answer = call(asked.name, asked.namespace, **arguments, **_bounds())
        document: dict[str, Any] = json.loads(answer.data)
        return {"kind": asked.kind, **document}


def _bounds() -> dict[str, Any]:
    """The bare answer: the models of the client cost more than they say."""
    return {"_preload_content": False, "_request_timeout": sockets.remaining()}


def _api(workload: Workload) -> client.ApiClient:
    configured = client.Configuration()
    configured.retries = False
    if workload.host is None:
        _configure(configured, workload.context)
        return client.ApiClient(configured)
    configured.host = workload.host.rstrip("/")
    if token := workload.token.get_secret_value():
        configured.api_key = {"authorization": f"Bearer {token}"}
    made = client.ApiClient(configured)
    made.rest_client.pool_manager = http.pools(workload.tls().context())
    return made


def _configure(configured: client.Configuration, context: str) -> None:
    """By what the administrator of this server has set up, which may lead anywhere."""
    try:
        if settings.KUBECONFIG is not None:
            config.load_kube_config(
                str(settings.KUBECONFIG), context or None, client_configuration=configured
            )
        elif context:
            raise Refused("There are no contexts without a kubeconfig: set NEXUS_KUBECONFIG.")
        else:
            config.load_incluster_config(client_configuration=configured)
    except ConfigException as error:
        raise NotReached(
            f"No cluster is known ({error}): give host and token, or set NEXUS_KUBECONFIG."
        ) from error


@contextmanager
def _as_ours() -> Iterator[None]:
    """Raise what the library raises as what it says of the request."""
    try:
        yield
    except ApiException as error:
        told = _message(error)
        if not error.status:  # what it makes of a failure of TLS
            raise NotReached(f"The API server is not trusted: {told}") from error
        if error.status >= SERVER_ERROR or error.status == TOO_MANY_REQUESTS:
            raise NotAnswered(f"The API server failed: {told}") from error
        raise Refused(told, extra={"status": error.status}) from error
    except (NewConnectionError, ConnectTimeoutError, SSLError) as error:
        raise NotReached(f"The API server can't be reached: {error}") from error
    except (urllib3.exceptions.HTTPError, ValueError, LookupError, TypeError) as error:
        raise NotAnswered(f"The API server does not answer as one: {error}") from error


def _message(error: ApiException) -> str:
    """That of the Status which the API server answers."""
    try:
        return str(json.loads(error.body)["message"])
    except (ValueError, LookupError, TypeError):
        return str(error.reason)
