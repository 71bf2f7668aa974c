"""Acting on a service by asking its own URL, signed as Standard Webhooks says."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from contextlib import suppress
from typing import Annotated, Literal

import httpx
from pydantic import AfterValidator, Field, SecretStr

from core.outgoing import http
from core.outgoing.addresses import AddressRefused
from core.outgoing.hosts import Url
from core.text import cut
from services.controllers.base import (
    RESTART,
    START,
    STOP,
    Acting,
    ActionFailed,
    Controller,
    OutcomeUnknown,
    register,
)

PREFIX = "whsec_"
KEY_BYTES = range(24, 65)
MAX_ANSWER_BYTES = 64 * 1024
MAX_TOLD = 300


def _signing_secret(secret: SecretStr) -> SecretStr:
    if len(_key(secret)) not in KEY_BYTES:
        raise ValueError("This must be whsec_ and 24 to 64 random bytes in base64")
    return secret


def _key(secret: SecretStr) -> bytes:
    """Empty for what is no such secret."""
    text = secret.get_secret_value()
    if not text.startswith(PREFIX):
        return b""
    try:
        return base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return b""


@register("webhook", title="Webhook")
class WebhookController(Controller):
    """Each act is a signed POST; it is done when the answer is 2xx.

    Who receives it may see a webhook-id again, and must then do nothing but answer as before;
    only where it is known to keep to that may an act be repeated whose outcome is unknown.
    """

    class Configuration(Controller.Configuration):
        url: Url
        secret: Annotated[SecretStr, AfterValidator(_signing_secret)]
        actions: Annotated[
            tuple[Literal["start", "stop", "restart"], ...],
            Field(min_length=1, max_length=3, description="What the receiver can do."),
        ] = ("start", "stop", "restart")
        timeout: Annotated[float, Field(ge=1, le=300, description="Seconds for an answer.")] = 30.0
        is_idempotent: Annotated[
            bool, Field(description="Whether the receiver does nothing twice for one webhook-id.")
        ] = False

    configuration: Configuration

    def __init__(self, configuration: Configuration) -> None:
        super().__init__(configuration)
        self.repeatable = configuration.is_idempotent

    def can(self, action: str) -> bool:
        given = self.configuration.actions
        return action in given or (action == RESTART and {START, STOP} <= set(given))

    def start(self, acting: Acting) -> None:
        self._ask(acting, START)

    def stop(self, acting: Acting) -> None:
        self._ask(acting, STOP)

    def restart(self, acting: Acting) -> None:
        if RESTART not in self.configuration.actions and self.can(RESTART):
            super().restart(acting)
        else:
            self._ask(acting, RESTART)

    def _ask(self, acting: Acting, action: str) -> None:
        if action not in self.configuration.actions:
            raise self._cannot(action)
        acting.checkpoint()
        body = _body(acting, action)
        deadline = time.monotonic() + min(self.configuration.timeout, acting.remaining())
        with http.client(deadline=deadline, max_bytes=MAX_ANSWER_BYTES) as client:
            status, told = self._answer(client, body, self._headers(acting, action, body))
        if httpx.codes.is_success(status):
            acting.info(f"The webhook answered HTTP status {status}")
            return
        answered = f"The webhook answered HTTP status {status}{f': {told}' if told else ''}"
        if httpx.codes.is_server_error(status):
            raise OutcomeUnknown(f"{answered}. It may have taken effect all the same.")
        raise ActionFailed(f"{answered}.")

    def _answer(
        self, client: httpx.Client, body: bytes, headers: dict[str, str]
    ) -> tuple[int, str]:
        """Its status and what it says. Raises ActionFailed, OutcomeUnknown."""
        try:
            with client.stream(
                "POST", self.configuration.url, content=body, headers=headers
            ) as answer:
                said = b""
                with suppress(httpx.HTTPError):  # the status is what counts
                    said = answer.read()
                return answer.status_code, cut(said.decode(errors="replace"), MAX_TOLD)
        except AddressRefused as error:
            raise ActionFailed(error.message) from error
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol) as error:
            raise ActionFailed(f"The webhook can't be reached: {error}.") from error
        except httpx.HTTPError as error:
            told = str(error) or type(error).__name__
            raise OutcomeUnknown(f"The webhook was sent and not answered: {told}.") from error

    def _headers(self, acting: Acting, action: str, body: bytes) -> dict[str, str]:
        message_id, timestamp = _message_id(acting, action), int(time.time())
        return {
            "Content-Type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature(self.configuration.secret, message_id, timestamp, body),
        }


def signature(secret: SecretStr, message_id: str, timestamp: int, body: bytes) -> str:
    signed = f"{message_id}.{timestamp}.".encode() + body
    digest = hmac.digest(_key(secret), signed, hashlib.sha256)
    return f"v1,{base64.b64encode(digest).decode()}"


def _message_id(acting: Acting, action: str) -> str:
    """The same when the act is repeated; a restart's stop and start have one each."""
    digest = hashlib.sha256(f"{acting.idempotency_key}\n{action}".encode()).hexdigest()
    return f"msg_{digest[:32]}"


def _body(acting: Acting, action: str) -> bytes:
    document = {
        "type": f"service.{action}",
        "timestamp": acting.since.isoformat(),
        "data": {"service": acting.name, "action": action},
    }
    return json.dumps(document, separators=(",", ":")).encode()
