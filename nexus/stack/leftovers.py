"""What an earlier start left running when its foreground process was killed."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator

import psutil

from nexus.stack.folder import DataFolder

SERVERS = {"postgres", "valkey-server"}
STOP_SECONDS = 150.0
POLL_SECONDS = 0.05


def supervisord(folder: DataFolder) -> psutil.Process | None:
    """The supervisord that runs on this folder, whether or not anybody watches it."""
    try:
        pid = int((folder.run / "supervisord.pid").read_text())
        process = psutil.Process(pid)
        if str(folder.supervisor_configuration) in process.cmdline():
            return process
    except (OSError, ValueError, psutil.Error):
        pass
    return None


def stop(folder: DataFolder) -> bool:
    """Stop what is left in order; returns whether there was anything."""
    found = []
    if left := supervisord(folder):
        left.terminate()
        found.append(left)
        wait_or_kill(found)
    for server in servers(folder):
        server.send_signal(signal.SIGINT)  # to PostgreSQL SIGTERM means to wait for its clients
        found.append(server)
    wait_or_kill(found)
    return bool(found)


def servers(folder: DataFolder) -> Iterator[psutil.Process]:
    """Embedded servers that work in this folder: orphans, once supervisord is gone."""
    for process in psutil.process_iter(["name"]):
        if process.info["name"] in SERVERS:
            try:
                parent = process.parent()
                inside = process.cwd().startswith(str(folder.path) + "/")
                if inside and (parent is None or parent.name() != "postgres"):
                    yield process
            except psutil.Error:
                continue


def wait_for_servers_to_end(folder: DataFolder, seconds: float) -> None:
    """Give servers that lost their supervisord the time to let go of their files and ports."""
    wait_or_kill(list(servers(folder)), seconds)


def wait_or_kill(processes: list[psutil.Process], seconds: float = STOP_SECONDS) -> None:
    """Return when all have ended; the ones that haven't after `seconds` are killed."""
    deadline = time.monotonic() + seconds
    for process in processes:
        while not has_ended(process):
            if time.monotonic() > deadline:
                process.kill()
            time.sleep(POLL_SECONDS)


def has_ended(process: psutil.Process) -> bool:
    """Also when its parent has not taken notice yet."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
