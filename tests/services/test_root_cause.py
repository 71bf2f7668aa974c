"""Who kills what five services need is told of one thing, and of the five that come of it."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from nexus.stack import binaries
from tests import servers
from tests.stack import Stack
from tests.waiting import until
from tests.web_servers import serving

DATABASE = "orders"
SHOPS = [f"shop-{number}" for number in range(5)]
NETWORKS = "outgoing.allowed_networks"
PACE = {"interval": 1, "timeout": 1}
SECONDS = 30.0


@pytest.fixture
def client(stack: Stack) -> Iterator[httpx.Client]:
    stack.healthy()
    with stack.client() as client:
        client.put("/config", json={NETWORKS: ["127.0.0.0/8"]}).raise_for_status()
        yield client
        for name in (*SHOPS, DATABASE):
            client.delete(f"/services/{name}")
        client.put("/config", json={NETWORKS: None}).raise_for_status()


@pytest.fixture
def database(client: httpx.Client, tmp_path: Path) -> Iterator[Database]:
    """A Valkey that five shops on the web need."""
    database = Database(tmp_path)
    with serving() as web:
        define(client, DATABASE, {"type": "redis", "password": "tests", **database.address})
        for name in SHOPS:
            web.routes[f"/{name}"] = database.shop
            probe = {"type": "http", "url": f"{web.url}/{name}"}
            define(client, name, probe, dependencies=[DATABASE])
        yield database
    database.kill()


class Database:
    def __init__(self, folder: Path) -> None:
        self.data = folder / "valkey"
        self.process, url = servers.start_valkey(folder, "valkey")
        self.address = {"host": "127.0.0.1", "port": urlsplit(url).port}

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)

    def start(self) -> None:
        self.process = subprocess.Popen(
            binaries.valkey_command(self.data), stdout=subprocess.DEVNULL
        )

    def shop(self, handler: BaseHTTPRequestHandler) -> None:
        """The answer of a service that has to reach the database for it."""
        try:
            socket.create_connection(tuple(self.address.values()), timeout=1).close()
            handler.send_response(200)
        except OSError:
            handler.send_response(500)
        handler.send_header("Content-Length", "0")
        handler.end_headers()


def define(client: httpx.Client, name: str, probe: dict[str, Any], **more: Any) -> None:
    document = {"name": name, "type": "Shop", "probe": {**probe, **PACE}, **more}
    client.post("/services", json=document).raise_for_status()


def health(client: httpx.Client) -> set[str]:
    return {client.get(f"/services/{name}").json()["data"]["health"] for name in (DATABASE, *SHOPS)}


def alerts(client: httpx.Client) -> dict[str, dict[str, Any]]:
    """The unresolved ones of these services, by the name of the service."""
    rows = client.get("/alerts", params={"source": "services", "limit": 100}).json()["data"]
    return {
        row["fingerprint"].removeprefix("service."): row
        for row in rows["alerts"]
        if row["resolved_at"] is None
    }


def test_a_killed_dependency_is_one_alert_with_five_under_it_until_it_is_back(client, database):
    until(lambda: health(client) == {"healthy"}, seconds=SECONDS)
    database.kill()
    until(lambda: len(seen := alerts(client)) == 6 and is_grouped(seen), seconds=SECONDS)
    root = alerts(client)[DATABASE]
    under = client.get("/alerts", params={"cause": root["id"]}).json()["data"]["alerts"]
    assert {row["fingerprint"] for row in under} == {f"service.{name}" for name in SHOPS}
    assert health(client) == {"unhealthy"}  # whoever is the cause, all are looked at as before

    database.start()
    until(lambda: health(client) == {"healthy"}, seconds=SECONDS)
    until(lambda: not alerts(client), seconds=SECONDS)
    for name in (DATABASE, *SHOPS):
        periods = client.get(f"/services/{name}/history").json()["data"]["periods"]
        assert [row["health"] for row in periods[:2]] == ["healthy", "unhealthy"]
        for later, earlier in pairwise(periods):
            assert earlier["ended_at"] == later["started_at"]


def is_grouped(seen: dict[str, dict[str, Any]]) -> bool:
    causes = {seen[name]["cause_id"] for name in SHOPS}
    root = seen[DATABASE]
    return causes == {root["id"]} and root["cause_id"] is None and root["effects"] == 5
