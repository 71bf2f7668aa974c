"""One short conversation with a mail server, bounded in time as a whole."""

from __future__ import annotations

import smtplib
import socket
import ssl
import threading
import time
from typing import Any

from core import options
from core.health.checks import Unhealthy


def setting(name: str) -> Any:
    """The value of one of the plugin's options now."""
    return options.registry.get(f"smtp.{name}").value


def look() -> dict[str, Any]:
    """Connect, greet, encrypt if asked to, and say goodbye.

    Returns the server's name, what it offers, and milliseconds. Raises Unhealthy.
    """
    host, port, seconds = setting("host"), setting("port"), setting("timeout")
    began = time.perf_counter()
    try:
        with Session(host, port, seconds) as session:
            return session.seen()
    except (smtplib.SMTPException, OSError) as error:
        if time.perf_counter() - began >= seconds:
            raise Unhealthy(f"{host}:{port} did not answer within {seconds:g} s") from error
        raise Unhealthy(f"{host}:{port}: {_told(error)}") from error


class Session(smtplib.SMTP):
    """A conversation that is cut off when its time is up, however slowly the server drips."""

    def __init__(self, host: str, port: int, seconds: float) -> None:
        self.began = time.perf_counter()
        self.wire: socket.socket | None = None
        self.ender = threading.Timer(seconds, self._cut_off)
        self.ender.daemon = True
        self.ender.start()
        name = setting("hello_name") or socket.gethostname()
        try:
            super().__init__(host, port, local_hostname=name, timeout=seconds)
        except BaseException:
            self.close()
            raise

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        plain = super()._get_socket(host, port, timeout)  # type: ignore[misc]
        self.wire = plain.dup()  # stays the same when TLS takes over the other
        self.connected_ms = self._milliseconds()
        if setting("encryption") == "tls":
            return _context().wrap_socket(plain, server_hostname=host)
        return plain

    def seen(self) -> dict[str, Any]:
        """The conversation after the server's first word."""
        self._greet()
        seen: dict[str, Any] = {
            "server": f"{self._host}:{setting('port')}",  # type: ignore[attr-defined]
            "connect_ms": self.connected_ms,
            "greeting_ms": self._milliseconds(),
        }
        if setting("encryption") == "starttls":
            self.starttls(context=_context())
            self._greet()
        if isinstance(self.sock, ssl.SSLSocket):
            seen["tls_version"] = self.sock.version()
        return {
            **seen,
            "extensions": ", ".join(sorted(self.esmtp_features)),
            "total_ms": self._milliseconds(),
        }

    def close(self) -> None:
        self.ender.cancel()
        super().close()
        if self.wire is not None:
            self.wire.close()

    def _greet(self) -> None:
        code, said = self.ehlo()
        if code != 250:
            raise smtplib.SMTPHeloError(code, said)

    def _milliseconds(self) -> float:
        return round((time.perf_counter() - self.began) * 1000, 3)

    def _cut_off(self) -> None:
        try:
            if self.wire is not None:
                self.wire.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # it has ended by itself


def _context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not setting("verify_certificate"):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _told(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error
        text = said.decode(errors="replace") if isinstance(said, bytes) else said
        return f"it answered {error.smtp_code} {text}"
    return str(error) or type(error).__name__
