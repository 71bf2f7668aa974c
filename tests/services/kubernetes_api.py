"""The API of a Kubernetes cluster as its client sees it: workloads with answers in the form of
apps/v1, whose controllers get on by a step with each look."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.web_servers import running

TOKEN = "eyJhbGciOiJSUzI1NiJ9.tests"
LABELS = {"app": "web"}
TEMPLATE = {
    "metadata": {"labels": LABELS},
    "spec": {
        "containers": [
            {"name": "web", "image": "registry.example.com/shop/web:2.1.0"},
            {"name": "proxy", "image": "envoyproxy/envoy:v1.31"},
        ]
    },
}


def deployment(replicas: int = 3) -> dict[str, Any]:
    return {
        "kind": "Deployment",
        "apiVersion": "apps/v1",
        "metadata": {
            "name": "web", "namespace": "shop", "generation": 4, "resourceVersion": "81231",
            "creationTimestamp": "2026-01-10T08:00:00Z",
            "annotations": {"deployment.kubernetes.io/revision": "7"},
        },
        "spec": {
            "replicas": replicas,
            "selector": {
                "matchLabels": LABELS,
                "matchExpressions": [
                    {"key": "tier", "operator": "NotIn", "values": ["test", "trial"]}
                ],
            },
            "template": copy.deepcopy(TEMPLATE),
            "strategy": {"type": "RollingUpdate"},
            "progressDeadlineSeconds": 600,
        },
        "status": {
            "observedGeneration": 4, "replicas": replicas, "updatedReplicas": replicas,
            "readyReplicas": replicas, "availableReplicas": replicas,
            "conditions": [
                {"type": "Available", "status": "True", "reason": "MinimumReplicasAvailable"},
                {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"},
            ],
        },
    }  # fmt: skip


def stateful_set() -> dict[str, Any]:
    made = deployment()
    made["kind"] = "StatefulSet"
    made["spec"]["updateStrategy"] = {"type": "RollingUpdate"}
    return made


def daemon_set() -> dict[str, Any]:
    made = deployment()
    made["kind"] = "DaemonSet"
    del made["spec"]["replicas"]
    made["spec"]["updateStrategy"] = {"type": "RollingUpdate"}
    made["status"] = {
        "observedGeneration": 4, "desiredNumberScheduled": 3, "currentNumberScheduled": 3,
        "updatedNumberScheduled": 3, "numberReady": 2, "numberAvailable": 2,
        "numberMisscheduled": 0,
    }  # fmt: skip
    return made


class Cluster:
    """One with a workload. `steps` change it, one before each look; `failures` are answered
    instead, one for each request."""

    def __init__(self) -> None:
        self.url = ""
        self.workload = deployment()
        self.asked: list[str] = []
        self.patches: list[Any] = []
        self.steps: list[Callable[[dict[str, Any]], None]] = []
        self.failures: list[tuple[int, str]] = []
        self.pods = [_pod("web-7c9-old", "2026-01-10T08:00:00Z"),
                     _pod("web-7c9-new", "2026-01-11T08:00:00Z")]  # fmt: skip

    def answer(
        self, method: str, path: str, query: dict[str, list[str]], body: Any
    ) -> tuple[int, Any]:
        plural = self.workload["kind"].lower() + "s"
        if self.failures:
            return _status(*self.failures.pop(0))
        if path == f"/apis/apps/v1/namespaces/shop/{plural}/web":
            if method == "PATCH":
                self.patches.append(body)
                self.patch(body)
            elif self.steps:
                self.steps.pop(0)(self.workload)
            return 200, self.workload
        if path == "/api/v1/namespaces/shop/pods":
            return 200, {"kind": "PodList", "apiVersion": "v1", "items": self.pods}
        if path == "/api/v1/namespaces/shop/pods/web-7c9-new/log":
            container, lines = query["container"][0], int(query["tailLines"][0])
            every = [f"{container} line {number}\n" for number in range(5)]
            return 200, "".join(every[-lines:]).encode()
        return _status(404, f'{plural}.apps "{path.rpartition("/")[2]}" not found')

    def patch(self, body: dict[str, Any]) -> None:
        before = copy.deepcopy(self.workload["spec"])
        _merge(self.workload, body)
        if self.workload["spec"] != before:
            self.workload["metadata"]["generation"] += 1


def rolling(**status: int) -> Callable[[dict[str, Any]], None]:
    """A step of the controller: it has seen what was asked for, and got so far."""

    def step(workload: dict[str, Any]) -> None:
        workload["status"].update(observedGeneration=workload["metadata"]["generation"], **status)

    return step


def _merge(target: dict[str, Any], patch: dict[str, Any]) -> None:
    for key, value in patch.items():
        if value is None:
            target.pop(key, None)
        elif isinstance(value, dict):
            _merge(target.setdefault(key, {}), value)
        else:
            target[key] = value


def _pod(name: str, created: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "shop", "creationTimestamp": created, "labels": LABELS}
    return {"metadata": metadata, "spec": TEMPLATE["spec"], "status": {"phase": "Running"}}


def _status(code: int, message: str) -> tuple[int, Any]:
    return code, {
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": "Failed", "code": code,
    }  # fmt: skip


@contextmanager
def cluster(tls: Any = None) -> Iterator[Cluster]:
    made = Cluster()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(made))
    server.daemon_threads = True
    made.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}"
    with running(server, tls):
        yield made


def _handler(made: Cluster) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            made.asked.append(f"{self.command} {self.path}")
            if self.headers.get("Authorization") == f"Bearer {TOKEN}":
                body = json.loads(sent) if sent else None
                status, answer = made.answer(self.command, parts.path, parse_qs(parts.query), body)
            else:
                status, answer = _status(401, "Unauthorized")
            told = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

        do_PATCH = do_GET

        def log_message(self, format: str, *arguments: object) -> None:
            """What was asked is in `asked`."""

    return Handler
