"""The doorbell of the control channel: says that there are commands, and nothing else.

It is Valkey's pub/sub and may be deaf at any time; whoever waits for it looks anyway after
a while. A frozen server accepts connections and closes none, so every wait has an end.
"""

from __future__ import annotations

import logging
import threading
import time

import redis
from django.conf import settings
from redis.client import PubSub

from core import valkey

logger = logging.getLogger(__name__)

SILENCE_SECONDS = 2.0  # without an answer to a ping after it, the connection is given up


class Doorbell:
    """Used by one thread; `connected` may be read by any."""

    def __init__(self, channel: str, stop: threading.Event) -> None:
        self._channel = channel
        self._stop = stop
        self._pubsub: PubSub | None = None
        self._heard_at = 0.0
        self.connected = False

    def wait(self, seconds: float) -> None:
        """Return when it rings, or after about `seconds`, whether Valkey works or not."""
        deadline = time.monotonic() + seconds
        try:
            if self._rings(self._pubsub or self._connect(), deadline):
                return
        except (redis.RedisError, OSError) as error:
            if self.connected:
                logger.info("the doorbell is deaf, polling instead: %s", error)
            self.close()
        self._stop.wait(max(0.0, deadline - time.monotonic()))

    def _rings(self, pubsub: PubSub, deadline: float) -> bool:
        while (left := deadline - time.monotonic()) > 0:
            message = pubsub.get_message(timeout=left)
            if message is not None:
                self.connected = True
                self._heard_at = time.monotonic()
                if message["type"] == "message":
                    return True
        if time.monotonic() - self._heard_at > SILENCE_SECONDS:
            raise redis.TimeoutError(f"nothing heard for {SILENCE_SECONDS:g} s")
        pubsub.ping()
        return False

    def _connect(self) -> PubSub:
        client = valkey.connect(str(settings.CACHES["default"]["LOCATION"]))
        self._pubsub = client.pubsub()
        self._pubsub.subscribe(self._channel)
        self._heard_at = time.monotonic()
        return self._pubsub

    def close(self) -> None:
        self.connected = False
        if self._pubsub is not None:
            self._pubsub.close()
            self._pubsub = None


def ring(channel: str) -> None:
    """Ring at every process; in vain when Valkey is down, for at most a second."""
    try:
        valkey.cache_client().publish(channel, "")
    except redis.RedisError as error:
        logger.info("could not ring the doorbell: %s", error)
