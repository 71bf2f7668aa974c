"""A supervisord of a test's own."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from services.clients.errors import NotReached
from services.clients.supervisord import Place, Supervisord
from tests.servers import free_port
from tests.waiting import until

PASSWORD = "p@ss/word"


@dataclass(frozen=True)
class Supervision:
    socket: str
    url: str
    process: subprocess.Popen[bytes]

    def place(self, program: str) -> dict[str, str]:
        """What a probe or controller is configured with."""
        return {"program": program, "socket": self.socket}


@contextmanager
def running(sections: Mapping[str, Mapping[str, object]]) -> Iterator[Supervision]:
    """Run it with sections such as {"program:web": {"command": "…"}} until the block ends."""
    with tempfile.TemporaryDirectory(prefix="sup-") as name:  # pytest's are too long for a socket
        folder, port = Path(name), free_port()
        file = folder / "supervisord.conf"
        file.write_text(_configuration(folder, port, sections))
        process = subprocess.Popen(
            [sys.executable, "-m", "supervisor.supervisord", "-n", "-c", str(file)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            made = Supervision(f"{folder}/socket", f"http://127.0.0.1:{port}", process)
            until(lambda: _answers(made))
            yield made
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill it and its programs: to end them one by one takes it seconds."""
    programs = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.wait(10)
    for each in programs:
        with suppress(psutil.NoSuchProcess):
            each.kill()


def _answers(made: Supervision) -> bool:
    place = Place(program="any", socket=made.socket)
    try:
        with Supervisord(place, deadline=time.monotonic() + 5) as supervisord:
            return bool(supervisord.call("getState")["statename"] == "RUNNING")
    except NotReached:
        return False


def _configuration(folder: Path, port: int, sections: Mapping[str, Mapping[str, object]]) -> str:
    own: dict[str, Mapping[str, object]] = {
        "supervisord": {
            "logfile": folder / "supervisord.log",
            "pidfile": folder / "supervisord.pid",
            "childlogdir": folder,
            **({"user": "root"} if os.geteuid() == 0 else {}),
        },
        "unix_http_server": {"file": folder / "socket"},
        "inet_http_server": {
            "port": f"127.0.0.1:{port}",
            "username": "operator",
            "password": PASSWORD,
        },
        "rpcinterface:supervisor": {
            "supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"
        },
    }
    return "\n".join(
        "\n".join([f"[{name}]", *(f"{key} = {value}" for key, value in values.items())])
        for name, values in {**own, **sections}.items()
    )
