"""A program as its supervisord sees it."""

from __future__ import annotations

from typing import Any

from services.clients.supervisord import Place, Process, Supervisord
from services.probes.base import Observation, Outcome, Probe, Status, Target, register

STATUSES = {
    "RUNNING": (Outcome.PASS, Status.RUNNING),
    "STARTING": (Outcome.WARNING, Status.STARTING),
    "STOPPING": (Outcome.WARNING, Status.RUNNING),
    "BACKOFF": (Outcome.FAIL, Status.RESTARTING),
    "STOPPED": (Outcome.FAIL, Status.STOPPED),
    "FATAL": (Outcome.FAIL, Status.FAILED),
}


@register("supervisord", title="supervisord program")
class SupervisordProbe(Probe):
    """A group is degraded as long as only some of it run."""

    class Configuration(Place, Probe.Configuration):
        pass

    def look(self, target: Target) -> Observation:
        with Supervisord(self.configuration, deadline=target.deadline) as supervisord:
            processes = supervisord.processes()
        return _group(processes) if self.configuration.is_group else _single(processes[0])


def _single(process: Process) -> Observation:
    outcome, status = _judged(process)
    figures: dict[str, Any] = {"state": process.state}
    if process.pid:
        figures |= {"pid": process.pid, "uptime_seconds": process.seconds_up}
    elif process.state == "EXITED":
        figures |= {"exit_status": process.exit_status}
    return Observation(
        outcome, _reason(process), status, started_at=process.started_at, figures=figures
    )


def _group(processes: list[Process]) -> Observation:
    """Started when the last of them was, so that a restart of all shows."""
    troubled = [each for each in processes if _judged(each)[0] is not Outcome.PASS]
    running = [each for each in processes if _judged(each)[1] is Status.RUNNING]
    starts = [each.started_at for each in running if each.started_at is not None]
    named = "; ".join(f"{each.name}: {_reason(each)}" for each in troubled)
    return Observation(
        outcome=_outcome(len(troubled), len(running)),
        reason=f"{len(running)} of {len(processes)} run: {named}" if troubled else "",
        status=Status.RUNNING if running else _judged(troubled[0])[1],
        started_at=max(starts, default=None),
        figures={
            "processes": len(processes),
            "running": len(running),
            "pids": {each.name: each.pid for each in processes if each.pid},
        },
    )


def _outcome(troubled: int, running: int) -> Outcome:
    if not running:
        return Outcome.FAIL
    return Outcome.WARNING if troubled else Outcome.PASS


def _judged(process: Process) -> tuple[Outcome, Status]:
    if process.state == "EXITED":  # by itself: a failure unless it says otherwise
        return Outcome.FAIL, Status.FAILED if process.exit_status else Status.STOPPED
    return STATUSES.get(process.state, (Outcome.FAIL, Status.UNKNOWN))


def _reason(process: Process) -> str:
    if process.state == "RUNNING":
        return ""
    if process.state == "EXITED":
        return f"It exited with status {process.exit_status}"
    return process.trouble or f"supervisord says {process.state}"
