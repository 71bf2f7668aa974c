"""supervisord: its configuration, its process, and talking to it over its socket."""

from __future__ import annotations

import http.client
import os
import shlex
import subprocess
import sys
import xmlrpc.client
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from supervisor.xmlrpc import SupervisorTransport

from nexus.stack.folder import DataFolder, write_private
from nexus.stack.programs import Program

NOT_ANSWERING = (OSError, http.client.HTTPException, xmlrpc.client.Error)
LOG_BYTES = 10 * 1024 * 1024
LOG_COPIES = 3


def write_configuration(folder: DataFolder, programs: Sequence[Program]) -> None:
    identity = "user=root" if os.geteuid() == 0 else ""
    sections = [
        f"""[supervisord]
logfile={_value(folder.logs / "supervisord.log")}
logfile_maxbytes={LOG_BYTES}
logfile_backups={LOG_COPIES}
loglevel=info
pidfile={_value(folder.run / "supervisord.pid")}
childlogdir={_value(folder.logs)}
nodaemon=true
silent=true
{identity}""",
        f"[unix_http_server]\nfile={_value(folder.socket)}\nchmod=0700",
        "[rpcinterface:supervisor]\n"
        "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface",
        *(_program(folder, program) for program in programs),
        *(_group(name, list(members)) for name, members in groupby(programs, _group_name)),
    ]
    write_private(folder.supervisor_configuration, "\n\n".join(sections) + "\n")


def _value(value: object) -> str:
    return str(value).replace("%", "%%")


def _program(folder: DataFolder, program: Program) -> str:
    return f"""[program:{program.name}]
command={_value(shlex.join(program.command))}
autostart=true
autorestart=true
startsecs=1
startretries=1000000
stopsignal={program.stop.name.removeprefix("SIG")}
stopwaitsecs={program.stop_seconds}
killasgroup=true
redirect_stderr=true
stdout_logfile={_value(folder.logs / program.name)}.log
stdout_logfile_maxbytes={LOG_BYTES}
stdout_logfile_backups={LOG_COPIES}"""


def _group_name(program: Program) -> str:
    return program.group


def _group(name: str, members: list[Program]) -> str:
    names = ",".join(program.name for program in members)
    return f"[group:{name}]\nprograms={names}\npriority={members[0].priority}"


def start(folder: DataFolder, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start supervisord in a session of its own, so that Ctrl-C reaches only the foreground."""
    folder.socket.unlink(missing_ok=True)
    command = [sys.executable, "-m", "supervisor.supervisord"]
    return subprocess.Popen(
        [*command, "--nodaemon", "--configuration", str(folder.supervisor_configuration)],
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


class Supervisor:
    """supervisord's XML-RPC. Calls raise one of NOT_ANSWERING when it doesn't answer."""

    def __init__(self, folder: DataFolder) -> None:
        self.address = f"unix://{folder.socket}"

    def call(self, method: str, *arguments: object) -> Any:
        """One connection a call: a transport whose connection failed once never recovers."""
        transport = SupervisorTransport(None, None, self.address)
        with xmlrpc.client.ServerProxy("http://127.0.0.1", transport) as proxy:
            return getattr(proxy.supervisor, method)(*arguments)

    def answers(self) -> bool:
        try:
            return bool(self.call("getState")["statename"] == "RUNNING")
        except NOT_ANSWERING:
            return False

    def add_new_programs(self) -> None:
        """Start the programs that the configuration has gained since supervisord read it."""
        added, _, _ = self.call("reloadConfig")[0]
        for name in added:
            self.call("addProcessGroup", name)

    def states(self) -> dict[str, str]:
        """The state of each program, such as RUNNING, STARTING, BACKOFF, STOPPED."""
        return {each["name"]: each["statename"] for each in self.call("getAllProcessInfo")}

    def pids(self) -> dict[str, int]:
        """The process of each program that has one."""
        return {each["name"]: each["pid"] for each in self.call("getAllProcessInfo") if each["pid"]}

    def stop(self, name: str) -> None:
        self.call("stopProcess", self._full_name(name))

    def start(self, name: str) -> None:
        self.call("startProcess", self._full_name(name))

    def _full_name(self, name: str) -> str:
        for each in self.call("getAllProcessInfo"):
            if each["name"] == name:
                return f"{each['group']}:{name}"
        raise KeyError(name)
