"""A container of a Docker Engine: its state, its health check, and its memory when that is
limited."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from services.clients import engine, images
from services.clients.containers import Container
from services.probes.base import Observation, Outcome, Probe, Status, Target, register

VERSION_LABEL = "org.opencontainers.image.version"
STATUS = {
    "running": Status.RUNNING,
    "restarting": Status.RESTARTING,
    "paused": Status.STOPPED,
    "created": Status.STOPPED,
    "removing": Status.STOPPED,
    "dead": Status.FAILED,
}


@register("docker", title="Docker container")
class DockerProbe(Probe):
    """A health check that has not passed yet is a warning: the container is on its way."""

    class Configuration(Container, Probe.Configuration):
        max_memory_percent: Annotated[
            float | None,
            Field(gt=0, le=100, description="Of the container's limit; asked for only when set."),
        ] = None

    configuration: Configuration

    def look(self, target: Target) -> Observation:
        with engine.connected(self.configuration, deadline=target.deadline) as asked:
            found = asked.inspect()
            is_measured = self.configuration.max_memory_percent and found["State"]["Running"]
            memory = asked.memory() if is_measured else {}
            started_at = asked.started_at(found)
        state = found["State"]
        outcome, reason, status = _verdict(state)
        if outcome is Outcome.PASS and (too_much := self._too_much(memory)):
            outcome, reason = Outcome.WARNING, too_much
        return Observation(
            outcome=outcome,
            reason=reason,
            status=status,
            version=_version(found["Config"]),
            started_at=started_at,
            figures={
                "state": state["Status"],
                "health": state.get("Health", {}).get("Status", "none"),
                "restarts": found.get("RestartCount", 0),
                "exit_code": state["ExitCode"],
                "pid": state["Pid"],
                "image": found["Config"]["Image"],
                **memory,
            },
        )

    def _too_much(self, memory: dict[str, int]) -> str:
        limit = self.configuration.max_memory_percent
        used, most = memory.get("memory_bytes", 0), memory.get("memory_limit_bytes", 0)
        if limit and most and used * 100 > most * limit:
            return f"{used / most:.0%} of its memory is in use"
        return ""


def _verdict(state: dict[str, Any]) -> tuple[Outcome, str, Status]:
    said = state["Status"]
    if said == "running":
        return _health(state.get("Health", {}))
    if said == "exited":
        code = state["ExitCode"]
        status = Status.FAILED if code or state["OOMKilled"] else Status.STOPPED
        return Outcome.FAIL, _end(state), status
    reason = f"it is restarting: {_end(state)}" if said == "restarting" else f"it is {said}"
    return Outcome.FAIL, reason, STATUS.get(said, Status.UNKNOWN)


def _health(health: dict[str, Any]) -> tuple[Outcome, str, Status]:
    said = health.get("Status", "none")
    if said == "unhealthy":
        log = health.get("Log") or [{}]
        told = str(log[-1].get("Output", "")).strip().splitlines()
        return Outcome.FAIL, ": ".join(["its health check fails", *told[:1]]), Status.RUNNING
    if said == "starting":
        return Outcome.WARNING, "its health check has not passed yet", Status.STARTING
    return Outcome.PASS, "", Status.RUNNING


def _end(state: dict[str, Any]) -> str:
    if state["OOMKilled"]:
        return "it was killed for want of memory"
    return state.get("Error") or f"it ended with exit code {state['ExitCode']}"


def _version(configured: dict[str, Any]) -> str | None:
    labels = configured.get("Labels") or {}
    return labels.get(VERSION_LABEL) or images.version(configured["Image"])
