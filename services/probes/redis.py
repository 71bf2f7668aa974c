"""A Valkey or Redis server: its memory, clients, replication and persistence."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import redis
from pydantic import Field, SecretStr

from core.outgoing.hosts import Host, Port
from services.clients import sockets, valkey
from services.clients.fields import NO_SECRET, Text, Tls
from services.probes.base import Observation, Outcome, Probe, Status, Target, Unhealthy, register


@register("redis", title="Valkey or Redis")
class RedisProbe(Probe):
    """Reads what INFO says; commands are what it has handled. One that evicts may be full all the
    time, so only one that evicts nothing is degraded for its memory."""

    class Configuration(Probe.Configuration):
        host: Host
        port: Port = 6379
        username: Text = ""
        password: SecretStr = NO_SECRET
        db: Annotated[int, Field(ge=0, le=65_535)] = 0
        tls: Tls | None = None
        max_memory_percent: Annotated[float, Field(gt=0, le=100)] = 90.0
        max_clients_percent: Annotated[float, Field(gt=0, le=100)] = 90.0

    configuration: Configuration

    def look(self, target: Target) -> Observation:
        with sockets.bounded(target.deadline):
            info = self._info()
        if info.get("loading"):
            return Observation(Outcome.FAIL, "it is loading its data", status=Status.STARTING)
        troubles = self._troubles(info)
        return Observation(
            outcome=Outcome.WARNING if troubles else Outcome.PASS,
            reason="; ".join(troubles),
            status=Status.RUNNING,
            version=str(info.get("valkey_version", info["redis_version"])),
            started_at=_started_at(info),
            requests_handled=info["total_commands_processed"],
            figures=_figures(info),
        )

    def _info(self) -> dict[str, Any]:
        asked = self.configuration
        client = valkey.client(
            asked.host,
            asked.port,
            username=asked.username,
            password=asked.password.get_secret_value(),
            db=asked.db,
            tls=asked.tls.context() if asked.tls else None,
        )
        try:
            return dict(client.info())
        except redis.BusyLoadingError:
            return {"loading": 1}
        except redis.RedisError as error:
            raise Unhealthy(str(error)) from error
        finally:
            client.connection_pool.disconnect()

    def _troubles(self, info: dict[str, Any]) -> list[str]:
        limits, troubles = self.configuration, []
        used, most = info["used_memory"], info.get("maxmemory", 0)
        evicts_nothing = info.get("maxmemory_policy", "noeviction") == "noeviction"
        if most and evicts_nothing and used * 100 > most * limits.max_memory_percent:
            troubles.append(f"{used / most:.0%} of its memory is in use")
        clients, places = info["connected_clients"], info.get("maxclients", 0)
        if places and clients * 100 > places * limits.max_clients_percent:
            troubles.append(f"{clients} of {places} clients are connected")
        if info.get("master_link_status", "up") != "up":
            troubles.append("it is a replica that has lost its primary")
        if info.get("rdb_last_bgsave_status", "ok") != "ok":
            troubles.append("its last snapshot failed")
        if "err" in (info.get("aof_last_write_status"), info.get("aof_last_bgrewrite_status")):
            troubles.append("its append-only file could not be written")
        return troubles


def _started_at(info: dict[str, Any]) -> datetime:
    """By the server's clock, which says the same at each look."""
    return datetime.fromtimestamp(
        info["server_time_usec"] // 1_000_000 - info["uptime_in_seconds"], UTC
    )


def _figures(info: dict[str, Any]) -> dict[str, Any]:
    hits, looked_up = info["keyspace_hits"], info["keyspace_hits"] + info["keyspace_misses"]
    databases = [value for key, value in info.items() if key.startswith("db") and key[2:].isdigit()]
    return {
        "role": info["role"],
        "used_memory_bytes": info["used_memory"],
        "max_memory_bytes": info.get("maxmemory", 0),
        "connected_clients": info["connected_clients"],
        "blocked_clients": info["blocked_clients"],
        "evicted_keys": info["evicted_keys"],
        "expired_keys": info["expired_keys"],
        "rejected_connections": info["rejected_connections"],
        "hit_rate": round(hits / looked_up, 4) if looked_up else None,
        "keys": sum(each["keys"] for each in databases),
        "connected_replicas": info["connected_slaves"],
        "operations_per_second": info["instantaneous_ops_per_sec"],
    }
