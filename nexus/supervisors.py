"""Who starts a process of the instance again when it ends."""

from __future__ import annotations

from pathlib import Path

import psutil
from django.conf import settings

from core.processes import restarting
from nexus.stack.folder import DataFolder


@restarting.supervisors.register("make up")
def embedded(pid: int) -> bool:
    """The supervisord of this data folder has started it: its programs are `autorestart`."""
    try:
        supervisor = int((DataFolder(Path(settings.DATA_DIR)).run / "supervisord.pid").read_text())
        return bool(psutil.Process(pid).ppid() == supervisor)
    except (OSError, ValueError, psutil.Error):
        return False


@restarting.supervisors.register("systemd")
def systemd(pid: int) -> bool:
    """It is the main process of a unit; ours say `Restart=always`."""
    try:
        process = psutil.Process(pid)
        told, parent = process.environ(), process.ppid()
    except (OSError, psutil.Error):
        return False
    if "SYSTEMD_EXEC_PID" in told:
        return told["SYSTEMD_EXEC_PID"] == str(pid)
    # Before systemd 248 a unit's id is all that is told, and to everything below it.
    return "INVOCATION_ID" in told and parent == 1


@restarting.supervisors.register("container")
def container(pid: int) -> bool:
    """It is what its container runs, which begins anew as its restart policy says."""
    return pid == 1
