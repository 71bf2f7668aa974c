"""The webhook controller asks a real HTTP server, and is honest of the outcome."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler

import pytest
from pydantic import SecretStr

from core import options
from core.errors import InvalidInput
from services.controllers import webhook
from services.controllers.base import ActionFailed, OutcomeUnknown
from services.controllers.webhook import WebhookController
from services.registry import definitions
from tasks.interrupts import CancelRequested
from tests.servers import free_port
from tests.services.acts import Act
from tests.web_servers import Answer, WebServer, certificate, serving

# The published test vector of Standard Webhooks.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE_ID, TIMESTAMP, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.fixture
def web(loopback_allowed) -> Iterator[WebServer]:
    with serving() as server:
        server.routes["/hook"] = Answer(204, b"")
        yield server


@pytest.fixture
def bodies(web) -> list[bytes]:
    """What the hook is sent, which it takes."""
    received: list[bytes] = []

    def take(handler: BaseHTTPRequestHandler) -> None:
        received.append(handler.rfile.read(int(handler.headers["Content-Length"])))
        handler.send_response(202)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    web.routes["/hook"] = take
    return received


def controller(url: str, **more: object) -> WebhookController:
    given = {"url": f"{url}/hook", "secret": SECRET, **more}
    return WebhookController(WebhookController.Configuration.model_validate(given))


def test_the_signature_is_that_of_standard_webhooks():
    assert webhook.signature(SecretStr(SECRET), MESSAGE_ID, TIMESTAMP, BODY) == SIGNATURE


def test_an_act_is_a_signed_request_that_says_what_to_do(web, bodies):
    act = Act()
    controller(web.url).restart(act)

    (asked,) = web.asked
    assert asked.method == "POST"
    assert json.loads(bodies[0]) == {
        "type": "service.restart",
        "timestamp": act.since.isoformat(),
        "data": {"service": "mail", "action": "restart"},
    }
    sent = asked.headers
    timestamp = int(sent["webhook-timestamp"])
    assert abs(timestamp - time.time()) < 10
    expected = webhook.signature(SecretStr(SECRET), sent["webhook-id"], timestamp, bodies[0])
    assert sent["webhook-signature"] == expected
    assert act.said == ["The webhook answered HTTP status 202"]


def test_an_act_that_is_repeated_has_the_same_id_and_any_other_has_not(web, bodies):
    made, act = controller(web.url), Act()
    made.start(act)
    made.start(act)
    made.stop(act)
    made.start(Act(idempotency_key="act_2"))

    first, again, stop, other = [each.headers["webhook-id"] for each in web.asked]
    assert first == again
    assert len({first, stop, other}) == 3


def test_a_receiver_that_can_not_restart_is_told_to_stop_and_start(web, bodies):
    made = controller(web.url, actions=["start", "stop"])
    assert made.can("restart")

    made.restart(Act())

    assert [json.loads(each)["type"] for each in bodies] == ["service.stop", "service.start"]


def test_it_asks_for_nothing_that_the_receiver_can_not_do(web):
    made = controller(web.url, actions=["restart"])
    assert [each for each in ("start", "stop", "restart") if made.can(each)] == ["restart"]
    with pytest.raises(ActionFailed, match="can't stop"):
        made.stop(Act())
    assert not web.asked


@pytest.mark.parametrize("status", [301, 400, 401, 404, 409, 429])
def test_a_refusal_is_a_failure_with_what_the_receiver_says(web, status):
    headers = {"Location": f"{web.url}/other"} if status == 301 else {}
    web.routes["/hook"] = Answer(status, b"not now\0", headers)
    with pytest.raises(ActionFailed, match=f"HTTP status {status}: not now"):
        controller(web.url).restart(Act())
    assert len(web.asked) == 1


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_an_error_of_the_receiver_leaves_it_open(web, status):
    web.routes["/hook"] = Answer(status, b"")
    with pytest.raises(OutcomeUnknown, match=f"HTTP status {status}. It may have"):
        controller(web.url).restart(Act())


def test_no_answer_in_time_leaves_it_open(web):
    web.routes["/hook"] = web.hang
    began = time.monotonic()
    with pytest.raises(OutcomeUnknown, match="sent and not answered"):
        controller(web.url).restart(Act(seconds=0.3))
    assert time.monotonic() - began < 2.0


def test_a_connection_that_is_lost_leaves_it_open(web):
    def lose(handler: BaseHTTPRequestHandler) -> None:
        handler.connection.shutdown(socket.SHUT_RDWR)
        handler.close_connection = True

    web.routes["/hook"] = lose
    with pytest.raises(OutcomeUnknown, match="sent and not answered"):
        controller(web.url).restart(Act())


@pytest.mark.parametrize("body", ["drip", "endless"])
def test_the_status_counts_whatever_becomes_of_the_rest(web, body):
    web.routes["/hook"] = web.drip if body == "drip" else Answer(200, b"x" * 200_000)
    act = Act(seconds=0.5)
    controller(web.url).restart(act)
    assert act.said == ["The webhook answered HTTP status 200"]


def test_a_receiver_that_is_not_there_is_a_failure(loopback_allowed):
    with pytest.raises(ActionFailed, match=r"can't be reached: .*Connection refused"):
        controller(f"http://127.0.0.1:{free_port()}").restart(Act())


def test_a_receiver_whose_certificate_nobody_vouches_for_gets_nothing(loopback_allowed, tmp_path):
    context, _ = certificate(tmp_path, days=10)
    with serving(context) as server:
        with pytest.raises(ActionFailed, match=r"can't be reached: .*self-signed"):
            controller(server.url).restart(Act())
        assert not server.asked


def test_an_address_that_is_not_allowed_is_not_asked(web):
    with options.replaced({}), pytest.raises(ActionFailed, match=r"outgoing\.allowed_networks"):
        controller(web.url).restart(Act())
    assert not web.asked


def test_a_cancelled_act_is_not_asked_for(web):
    with pytest.raises(CancelRequested):
        controller(web.url).restart(Act(cancelled_at=1))
    assert not web.asked


def test_only_a_receiver_that_does_nothing_twice_is_asked_again():
    assert not controller("https://example.com").repeatable
    assert controller("https://example.com", is_idempotent=True).repeatable


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"url": None}, "controller.url"),
        ({"url": "ftp://example.com"}, "controller.url"),
        ({"secret": None}, "controller.secret"),
        ({"secret": "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}, "controller.secret"),
        ({"secret": "whsec_c2hvcnQ="}, "controller.secret"),
        ({"secret": "whsec_ü"}, "controller.secret"),
        ({"secret": "whsec_\ud800"}, "controller.secret"),
        ({"actions": []}, "controller.actions"),
        ({"actions": ["delete"]}, "controller.actions.0"),
        ({"timeout": 0}, "controller.timeout"),
    ],
)
def test_a_configuration_that_can_not_work_is_refused_with_its_field(given, field):
    made = {"type": "webhook", "url": "https://example.com", "secret": SECRET, **given}
    document = {"name": "web", "type": "app", "probe": {"type": "process", "name": "web"}}
    with pytest.raises(InvalidInput) as refused:
        definitions.check({**document, "controller": made})
    assert refused.value.details[0].field == field
    assert str(made["secret"])[6:] not in refused.value.message or made["secret"] is None


def test_the_secret_is_kept_apart():
    document = {
        "name": "web",
        "type": "app",
        "probe": {"type": "process", "name": "web"},
        "controller": {"type": "webhook", "url": "https://example.com/a", "secret": SECRET},
    }
    checked = definitions.check(document)
    assert SECRET not in json.dumps(checked.controller)
    assert definitions.controller_of(checked.controller, checked.secrets).configuration.secret == (
        SecretStr(SECRET)
    )
