"""A RabbitMQ broker: whether it takes connections and, by its management API, its alarms and
queues."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from urllib.parse import quote

import httpx
import pydantic
from amqp.exceptions import AMQPError
from pydantic import Field, SecretStr

from core.outgoing import http
from core.outgoing.hosts import Host, Port, Url
from services.clients import amqp, sockets
from services.clients.fields import Text, Tls
from services.probes.base import Observation, Outcome, Probe, Status, Target, Unhealthy, register

LONGEST_QUEUES = {
    "columns": "name,messages", "sort": "messages", "sort_reverse": "true",
    "page": "1", "page_size": "5",
}  # fmt: skip
NODES = {"columns": "name,running,uptime,mem_alarm,disk_free_alarm,mem_used,mem_limit,disk_free"}
ALARMS = {"mem_alarm": "is short of memory", "disk_free_alarm": "is short of disk space"}


@register("rabbitmq", title="RabbitMQ")
class RabbitmqProbe(Probe):
    """Logs in over AMQP. With `management_url`, whose user needs the tag `monitoring`, alarms are
    unhealthy, for publishers are held up then; messages that were published are what it has
    handled."""

    class Configuration(Probe.Configuration):
        host: Host
        port: Annotated[Port, Field(description="5671 where there is TLS.")] = 5672
        username: Text = "guest"
        password: SecretStr = SecretStr("guest")
        virtual_host: Annotated[Text, Field(min_length=1)] = "/"
        tls: Tls | None = None
        management_url: Annotated[Url | None, Field(description="http://host:15672")] = None
        max_queue_messages: Annotated[
            int | None, Field(ge=0, description="In one queue of the virtual host.")
        ] = None

        @pydantic.model_validator(mode="after")
        def _can_count(self) -> RabbitmqProbe.Configuration:
            if self.max_queue_messages is not None and self.management_url is None:
                raise ValueError("max_queue_messages needs the management_url that tells them")
            return self

    configuration: Configuration

    def look(self, target: Target) -> Observation:
        began = time.perf_counter()
        server = self._server(target.deadline)
        latency = (time.perf_counter() - began) * 1000
        seen = self._management(target.deadline) if self.configuration.management_url else {}
        outcome, reason = self._verdict(seen)
        return Observation(
            outcome=outcome,
            reason=reason,
            status=Status.RUNNING,
            version=str(server.get("version", "")) or None,
            started_at=_started_at(seen.get("nodes", ())),
            requests_handled=seen.get("message_stats", {}).get("publish") if seen else None,
            latency_ms=latency,
            figures={
                "product": str(server.get("product", "")),
                "cluster": str(server.get("cluster_name", "")),
                **_figures(seen),
            },
        )

    def _server(self, deadline: float) -> Mapping[str, Any]:
        """What it tells of itself when one logs in."""
        asked = self.configuration
        with sockets.bounded(deadline):
            connection: Any = amqp.Connection(
                host=f"[{asked.host}]:{asked.port}" if ":" in asked.host
                else f"{asked.host}:{asked.port}",
                userid=asked.username,
                password=asked.password.get_secret_value(),
                virtual_host=asked.virtual_host,
                ssl={"tls": asked.tls.context()} if asked.tls else False,
                connect_timeout=sockets.remaining(),
            )  # fmt: skip
            try:
                connection.connect()
                told: Mapping[str, Any] = connection.server_properties
                connection.close()
            except (AMQPError, OSError) as error:
                raise Unhealthy(f"it does not let us in: {error}") from error
            return told

    def _management(self, deadline: float) -> dict[str, Any]:
        asked = self.configuration
        with http.client(
            deadline=deadline, tls=asked.tls.context() if asked.tls else None
        ) as client:
            client.auth = httpx.BasicAuth(asked.username, asked.password.get_secret_value())
            client.base_url = httpx.URL(str(asked.management_url))
            overview = _answer(client, "api/overview")
            seen = {**overview, "nodes": _answer(client, "api/nodes", NODES)}
            if asked.max_queue_messages is not None:
                path = f"api/queues/{quote(asked.virtual_host, safe='')}"
                seen["queues"] = _answer(client, path, LONGEST_QUEUES)["items"]
        return seen

    def _verdict(self, seen: Mapping[str, Any]) -> tuple[Outcome, str]:
        nodes = seen.get("nodes", ())
        alarms = [
            f"{node['name']} {said}"
            for node in nodes
            for alarm, said in ALARMS.items()
            if node.get(alarm)
        ]
        if alarms:
            return Outcome.FAIL, f"it holds publishers up: {'; '.join(alarms)}"
        troubles = [f"{node['name']} does not run" for node in nodes if not node.get("running")]
        most = self.configuration.max_queue_messages
        if most is not None:
            troubles += [
                f"{queue['messages']} messages wait in {queue['name']}"
                for queue in seen.get("queues", ())
                if queue.get("messages", 0) > most
            ]
        return Outcome.WARNING if troubles else Outcome.PASS, "; ".join(troubles)


def _answer(client: httpx.Client, path: str, query: Mapping[str, str] | None = None) -> Any:
    try:
        answer = client.get(path, params=query)
        answer.raise_for_status()
        return answer.json()
    except httpx.HTTPStatusError as error:
        raise Unhealthy(f"its management API answers {error.response.status_code}") from error
    except (httpx.HTTPError, ValueError) as error:
        raise Unhealthy(f"its management API does not answer: {error}") from error


def _started_at(nodes: Any) -> datetime | None:
    """Of the node that is up the longest."""
    uptimes = [node["uptime"] for node in nodes if "uptime" in node]
    return datetime.now(UTC) - timedelta(milliseconds=max(uptimes)) if uptimes else None


def _figures(seen: Mapping[str, Any]) -> dict[str, Any]:
    if not seen:
        return {}
    totals, objects = seen.get("queue_totals", {}), seen.get("object_totals", {})
    return {
        "messages": totals.get("messages", 0),
        "messages_ready": totals.get("messages_ready", 0),
        "messages_unacknowledged": totals.get("messages_unacknowledged", 0),
        "queues": objects.get("queues", 0),
        "consumers": objects.get("consumers", 0),
        "connections": objects.get("connections", 0),
        "nodes": {node["name"]: bool(node.get("running")) for node in seen["nodes"]},
    }
