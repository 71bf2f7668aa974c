from __future__ import annotations

import base64
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pydantic
import pytest
from amqp.spec import Connection

from core.health.checks import Outcome
from services.probes.base import Status
from services.probes.rabbitmq import RabbitmqProbe
from tests.services.rabbit import rabbit
from tests.web_servers import Answer, certificate

# In the form of RabbitMQ's HTTP API reference.
OVERVIEW: dict[str, Any] = {
    "management_version": "4.0.5",
    "rabbitmq_version": "4.0.5",
    "cluster_name": "rabbit@shop",
    "message_stats": {"publish": 8123, "publish_details": {"rate": 12.4}},
    "queue_totals": {"messages": 45, "messages_ready": 40, "messages_unacknowledged": 5},
    "object_totals": {
        "channels": 4, "connections": 3, "consumers": 7, "exchanges": 9, "queues": 2,
    },
    "node": "rabbit@one",
}  # fmt: skip
NODE: dict[str, Any] = {
    "name": "rabbit@one", "running": True, "uptime": 3_600_000,
    "mem_alarm": False, "disk_free_alarm": False,
    "mem_used": 150_000_000, "mem_limit": 3_000_000_000, "disk_free": 40_000_000_000,
}  # fmt: skip
QUEUES: dict[str, Any] = {
    "filtered_count": 2, "total_count": 2, "item_count": 2, "page": 1, "page_count": 1,
    "page_size": 5,
    "items": [{"name": "orders", "messages": 44}, {"name": "mails", "messages": 1}],
}  # fmt: skip


@pytest.fixture
def broker():
    with rabbit() as made:
        yield made


@pytest.fixture
def seen_of(look, broker):
    def seen_of(**configuration):
        given = {"host": "127.0.0.1", "port": broker.port, "virtual_host": "shop"}
        login = {"username": "user", "password": "secret"}
        return look("rabbitmq", **{**given, **login, **configuration})

    return seen_of


@pytest.fixture
def management(web):
    """The management API; tests change its answers."""

    def answer(path: str, document: Any) -> None:
        web.routes[f"/api/{path}"] = Answer(
            200, json.dumps(document).encode(), {"Content-Type": "application/json"}
        )

    web.tell = answer
    answer("overview", OVERVIEW)
    answer("nodes", [NODE])
    answer("queues/shop", QUEUES)
    return web


def test_it_logs_in_and_tells_what_the_broker_tells_of_itself(seen_of, broker):
    seen = seen_of()

    assert seen.outcome is Outcome.PASS
    assert seen.status is Status.RUNNING
    assert seen.version == "4.0.5"
    assert seen.figures == {"product": "RabbitMQ", "cluster": "rabbit@shop"}
    assert broker.methods[-1] == Connection.Close


def test_a_wrong_password_is_told_and_never_shown(seen_of):
    seen = seen_of(password="wrong-one")

    assert seen.outcome is Outcome.FAIL
    assert "ACCESS_REFUSED" in seen.reason
    assert "wrong-one" not in seen.reason


def test_a_virtual_host_that_is_none_is_told(seen_of):
    seen = seen_of(virtual_host="other")

    assert seen.outcome is Outcome.FAIL
    assert "vhost other not found" in seen.reason


def test_it_logs_in_over_tls(look, tmp_path):
    context, authority = certificate(tmp_path, days=30)
    with rabbit(context) as made:
        given = {"host": "127.0.0.1", "port": made.port, "virtual_host": "shop"}
        login = {"username": "user", "password": "secret"}
        seen = look("rabbitmq", **given, **login, tls={"ca_certificate": authority})
        strange = look("rabbitmq", **given, **login, tls={})

    assert seen.outcome is Outcome.PASS
    assert "The certificate of 127.0.0.1 is not trusted" in strange.reason


def test_the_management_api_tells_work_and_queues(seen_of, management):
    seen = seen_of(management_url=management.url, max_queue_messages=50)

    assert seen.outcome is Outcome.PASS
    assert seen.requests_handled == 8123
    hour_ago = datetime.now(UTC) - timedelta(hours=1)
    assert abs(seen.started_at - hour_ago) < timedelta(seconds=10)
    assert seen.figures["messages"] == 45
    assert seen.figures["consumers"] == 7
    assert seen.figures["nodes"] == {"rabbit@one": True}
    expected = "Basic " + base64.b64encode(b"user:secret").decode()
    assert {each.headers["authorization"] for each in management.asked} == {expected}


def test_the_default_virtual_host_is_asked_for_by_its_name(look, management):
    """Its name is a slash, which has to stay apart from those of the address."""
    management.tell("queues/%2F", QUEUES)
    probe = RabbitmqProbe(
        RabbitmqProbe.Configuration(
            host="127.0.0.1", management_url=management.url, max_queue_messages=1
        )
    )

    assert probe._management(time.monotonic() + 5)["queues"] == QUEUES["items"]


@pytest.mark.parametrize(
    ("alarm", "told"),
    [("mem_alarm", "is short of memory"), ("disk_free_alarm", "is short of disk space")],
)
def test_an_alarm_is_unhealthy(seen_of, management, alarm, told):
    management.tell("nodes", [NODE, {**NODE, "name": "rabbit@two", alarm: True}])

    seen = seen_of(management_url=management.url)

    assert seen.outcome is Outcome.FAIL
    assert seen.reason == f"it holds publishers up: rabbit@two {told}"
    assert seen.status is Status.RUNNING


def test_a_node_that_is_down_degrades_it(seen_of, management):
    management.tell("nodes", [NODE, {"name": "rabbit@two", "running": False}])

    seen = seen_of(management_url=management.url)

    assert (seen.outcome, seen.reason) == (Outcome.WARNING, "rabbit@two does not run")


def test_a_long_queue_degrades_it(seen_of, management):
    seen = seen_of(management_url=management.url, max_queue_messages=43)

    assert (seen.outcome, seen.reason) == (Outcome.WARNING, "44 messages wait in orders")


def test_a_management_api_that_refuses_us_is_told(seen_of, management):
    management.routes["/api/nodes"] = Answer(401, b'{"error":"not_authorized"}')

    seen = seen_of(management_url=management.url)

    assert seen.outcome is Outcome.FAIL
    assert seen.reason == "its management API answers 401"


def test_a_broker_that_says_nothing_is_given_up(look, web):
    began = time.monotonic()
    seen = look("rabbitmq", host="127.0.0.1", port=web.port, timeout=0.3)

    assert seen.outcome is Outcome.FAIL
    assert time.monotonic() - began < 1


def test_a_private_address_is_refused_unless_allowed(seen_of, nothing_allowed):
    seen = seen_of()

    assert seen.outcome is Outcome.FAIL
    assert "outgoing.allowed_networks" in seen.reason


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"host": "http://example.com"}, "host"),
        ({"virtual_host": ""}, "virtual_host"),
        ({"management_url": "ftp://example.com"}, "management_url"),
        ({"max_queue_messages": 5}, ""),
        ({"tls": {"key": "secret"}}, "tls"),
    ],
)
def test_a_wrong_configuration_names_its_field(wrong, field):
    with pytest.raises(pydantic.ValidationError) as caught:
        RabbitmqProbe.Configuration.model_validate({"host": "example.com", **wrong})

    assert [".".join(map(str, each["loc"])) for each in caught.value.errors()] == [field]
