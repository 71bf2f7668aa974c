"""What keeps the first levels of all processes coherent: the server tells who must forget.

One connection of each process is tracked by the server (RESP3, `CLIENT TRACKING ... BCAST`):
it is sent the name of every key below the cache's prefix that is written, deleted, expired or
evicted, whoever did it. A frozen server closes nothing, so silence has an end here.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, Final

import redis

from core.cache.shared import Shared, unwire
from core.valkey import ANSWER_SECONDS, CONNECT_SECONDS

logger = logging.getLogger(__name__)

TICK_SECONDS = 0.2
HEARTBEAT_SECONDS = 1.0
SILENCE_SECONDS = 1.6
RETRY_SECONDS = 0.5
TOLD: Final = object()

TRACKING, NONE, DOWN, UNUSED = "tracking", "unsupported", "down", "unused"


class RenewalAsked(Exception):
    """The connection is to be replaced, though nothing is wrong with it."""


class Channel:
    """`forget(names)` and `forget_all()` are called by its thread, `changed` by either.

    `connected`: from now on nothing is missed. It is lost without a word before the next
    look, so whoever keeps values must bound their age all the same.
    """

    def __init__(
        self,
        url: str,
        prefix: str,
        shared: Shared,
        *,
        forget: Callable[[Iterable[str]], object],
        forget_all: Callable[[], object],
        changed: Callable[[], None],
    ) -> None:
        self._url = url
        self._prefix = prefix
        self._shared = shared
        self._forget = forget
        self._forget_all = forget_all
        self._changed = changed
        self.reset()

    def reset(self) -> None:
        """Begin anew, as in a forked process, to which no thread came along."""
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._renewal_asked = threading.Event()
        self._thread: threading.Thread | None = None
        self._logged = ""
        self._heard = 0.0
        self.connected = False
        self.state = UNUSED
        self.reason = ""
        self.losses = 0

    def ensure_started(self) -> None:
        """Start the thread of this process unless it runs. Costs nothing when it does."""
        if self._thread is None:
            with self._lock:
                if self._thread is None:
                    thread = threading.Thread(target=self._run, name="cache.channel", daemon=True)
                    try:
                        thread.start()
                    except RuntimeError:  # no more threads, or the interpreter is ending
                        return
                    self._thread = thread

    def stop(self) -> None:
        """End the thread within moments; for good."""
        self._ended.set()

    def renew(self) -> None:
        """Listen on a new connection within moments; until then nothing is kept here."""
        self._renewal_asked.set()

    def _run(self) -> None:
        while not self._ended.is_set():
            connection: Any = None
            try:
                connection = self._connect()
                self._track(connection)
                self._listen(connection)
            except RenewalAsked:
                self._let_go("it is renewed")
            except (redis.RedisError, OSError) as error:
                self._lost(error)
            except Exception as error:
                logger.exception("the cache's channel broke")
                self._lost(error)
            finally:
                if connection is not None:
                    connection.disconnect()
            self._ended.wait(RETRY_SECONDS)

    def _connect(self) -> Any:
        pool = redis.ConnectionPool.from_url(
            self._url,
            protocol=3,
            socket_connect_timeout=CONNECT_SECONDS,
            socket_timeout=ANSWER_SECONDS,
            retry=None,
        )
        connection: Any = pool.make_connection()
        connection.connect()
        # Where redis-py's own client-side cache hears of it, which refuses Valkey.
        connection._parser.set_invalidation_push_handler(self._told)
        return connection

    def _track(self, connection: Any) -> None:
        """Ask the server to tell. One that can't is used without a first level."""
        connection.send_command("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", self._prefix)
        try:
            connection.read_response(disconnect_on_error=False)
        except redis.ResponseError as error:
            if self.reason != str(error):
                logger.warning("the cache's server can't tell of changes: %s", error)
            self.state, self.reason = NONE, str(error)
            return
        self._renewal_asked.clear()
        self._forget_all()
        self.connected, self.state, self.reason, self._logged = True, TRACKING, "", ""
        self._changed()

    def _listen(self, connection: Any) -> None:
        """Raises when the connection is lost, silent for too long, or to be replaced."""
        self._heard, pinged = time.monotonic(), float("-inf")
        while not self._ended.is_set():
            if self._renewal_asked.is_set():
                raise RenewalAsked
            now = time.monotonic()
            wanted = TICK_SECONDS if self._shared.is_down else HEARTBEAT_SECONDS
            if now - pinged >= wanted:
                connection.send_command("PING")
                pinged = now
            try:
                answer = connection.read_response(
                    push_request=True, timeout=TICK_SECONDS, disconnect_on_error=False
                )
            except redis.TimeoutError:
                if time.monotonic() - self._heard > SILENCE_SECONDS:
                    raise
                continue
            self._heard = time.monotonic()
            if answer is not TOLD and self._shared.is_down:
                self._shared.recover()

    def _told(self, message: list[Any]) -> object:
        """`[b"invalidate", [key, …]]`, or None for the keys when all of them are gone."""
        keys = message[1]
        if keys is None:
            self._forget_all()
        else:
            self._forget([unwire(key) for key in keys])
        return TOLD

    def _lost(self, error: Exception) -> None:
        if self._logged != str(error) and not self._ended.is_set():
            self._logged = str(error)
            logger.info("the cache's channel is down: %s", error)
        self.losses += self.connected
        self._let_go(str(error))

    def _let_go(self, reason: str) -> None:
        self.connected, self.state, self.reason = False, DOWN, reason
        self._changed()
