"""The newest log lines of a service, from wherever it runs."""

from __future__ import annotations

from core.access.actor import Actor
from core.errors import Conflict
from core.text import cut
from services.actions import current, elsewhere
from services.actions.elsewhere import NodeUnavailable
from services.registry.models import Service
from tasks import operations as tasks
from tasks import queries
from tasks.doorbell import node_queue
from tasks.job import Context, External, Job, Steps, jobs

JOB = "services.logs_there"
WAIT_SECONDS = 15.0
MAX_LINES = 1000
MAX_CHARACTERS = 2000  # of a line


class NoLogs(Conflict):
    code = "no_logs"


def read(service: Service, lines: int, *, actor: Actor) -> list[str]:
    """The oldest of them first. Raises ActionFailed, NoLogs, ActionNotSupported,
    ControllerUnusable, NodeUnavailable."""
    if elsewhere.is_elsewhere(service):
        return _there(service, lines, actor)
    return here(service, lines)


def here(service: Service, lines: int) -> list[str]:
    controller = current.controller(service)
    if not controller.has_logs:
        raise NoLogs(f"A controller of type {controller.type} can't show the log of a service.")
    return [cut(line, MAX_CHARACTERS) for line in controller.logs(lines)[-lines:]]


def _there(service: Service, lines: int, actor: Actor) -> list[str]:
    elsewhere.require_worker(service.node)
    parameters = {"service": service.name, "lines": lines}
    started = tasks.start(JOB, parameters=parameters, actor=actor, queue=node_queue(service.node))
    task = queries.wait_until_finished(started.pk, WAIT_SECONDS)
    if not task.finished:
        tasks.cancel(task_id=task.pk, actor=actor)
        raise NodeUnavailable(
            f"The workers of {service.node} did not read the log within {WAIT_SECONDS:g} s:"
            " they are busy or gone; try again."
        )
    elsewhere.require_done(task)
    return list((task.result or {})["lines"])


@jobs.register(JOB)
class ReadLogs(Job):
    """Reads the log of a service on this machine for somebody elsewhere."""

    class Parameters(Job.Parameters):
        service: str
        lines: int

    steps = Steps(read=External(1, repeatable=True))
    timeout = 60.0
    max_attempts = 1
    hidden = True

    def read(self, context: Context) -> None:
        service = current.service(self.parameters.service)
        context.result({"lines": here(service, self.parameters.lines)})
