"""What the embedded stack makes up once and keeps in `nexus.env`: secrets, ports, addresses."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from dotenv import dotenv_values

from nexus.stack.errors import StackError
from nexus.stack.folder import DataFolder, write_private

HEADER = """\
# Made by `make up`. Holds secrets: keep it with the data, and keep it private.
# Variables of the real environment win over the ones in this file.
"""
PASSWORD = "NEXUS_EMBEDDED_PASSWORD"  # noqa: S105 - a name
PORTS = range(20_000, 32_000)
SERVERS = {
    "DATABASE_URL": "postgresql://nexus:{password}@127.0.0.1:{port}/nexus",
    "CACHE_URL": "redis://:{password}@127.0.0.1:{port}/0",
    "BROKER_URL": "redis://:{password}@127.0.0.1:{port}/0",
}


@dataclass(frozen=True)
class Kept:
    """The content of `nexus.env`, complete.

    `embedded` are the server variables whose server we run; `renewed` says that the secrets
    had to be made although there is data that belonged to older ones.
    """

    values: dict[str, str]
    embedded: frozenset[str]
    notices: tuple[str, ...]
    renewed: bool

    @property
    def password(self) -> str:
        return self.values[PASSWORD]

    def port(self, variable: str) -> int:
        return int(urlsplit(self.values[variable]).port or 0)


def load_or_make(folder: DataFolder, environ: Mapping[str, str]) -> Kept:
    """Read `nexus.env`, add what is missing, move ports that are taken, and write it back.

    Raises StackError when the file can't be read.
    """
    before = read(folder)
    values = dict(before)
    notices: list[str] = []
    renewed = "NEXUS_KEY_PEPPERS" not in values and (folder.postgres / "PG_VERSION").exists()
    values.setdefault("NEXUS_SECRET_KEY", secrets.token_urlsafe(48))
    values.setdefault("NEXUS_KEY_PEPPERS", "1:" + secrets.token_urlsafe(32))
    values.setdefault("NEXUS_ENCRYPTION_KEYS", Fernet.generate_key().decode())
    values.setdefault(PASSWORD, secrets.token_urlsafe(24))
    embedded = set()
    for variable, template in SERVERS.items():
        if environ.get(variable) or environ.get(f"{variable}_FILE"):
            continue
        kept = values.get(variable, "")
        if kept and values[PASSWORD] not in kept:
            continue  # an operator wrote the address of a server of their own
        embedded.add(variable)
        port = urlsplit(kept).port if kept else None
        if port is None or not is_free("127.0.0.1", port):
            chosen = free_port({urlsplit(values.get(each, "")).port for each in SERVERS})
            if port is not None:
                notices.append(f"Port {port} is taken by now; {variable} moves to {chosen}.")
            values[variable] = template.format(password=values[PASSWORD], port=chosen)
    if values != before:
        lines = "".join(f"{name}={value}\n" for name, value in values.items())
        write_private(folder.env, HEADER + lines)
    return Kept(values, frozenset(embedded), tuple(notices), renewed)


def read(folder: DataFolder) -> dict[str, str]:
    try:
        text = folder.env.open()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise StackError(
            f"{folder.env} can't be read ({error.strerror}): start as the user who owns it."
        ) from error
    with text:
        try:
            return {name: value for name, value in dotenv_values(stream=text).items() if value}
        except UnicodeDecodeError as error:
            raise StackError(
                f"{folder.env} is damaged: restore it, or move it away to get new secrets "
                "(API keys made with the old ones stop working; the data stays)."
            ) from error


def is_free(host: str, port: int) -> bool:
    try:
        listen(host, port)
    except OSError:
        return False
    return True


def listen(host: str, port: int) -> None:
    """Listen there for a moment. Raises OSError when that is not possible."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(1)


def free_port(but: set[int | None]) -> int:
    """A port nobody listens on, outside of the range from which the kernel lends ports."""
    while (port := PORTS[secrets.randbelow(len(PORTS))]) in but or not is_free("127.0.0.1", port):
        continue
    return port
