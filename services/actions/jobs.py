"""The job that starts, stops and restarts services: a step for each act, one for each wait."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pydantic

from core.access.scopes import ADMIN_SERVICES
from core.errors import NexusError, Unavailable
from services.actions import current, elsewhere, holding, outcomes, undoing
from services.actions.acting import Acting
from services.actions.plan import Act, DependenciesStopped, DependentsRunning, Others
from services.controllers.base import STOP, ActionFailed
from services.probing.operations import look
from services.registry.models import Health, State
from tasks.job import Context, External, Job, Step, Steps, jobs

JOB = "services.act"
CHECK = "check"
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.1, 1.0
UP = {Health.HEALTHY, Health.DEGRADED}


class NotHealthyInTime(NexusError):
    """It was done, and the service is not healthy yet."""

    status = 504
    code = "not_healthy_in_time"


class ActIn(pydantic.BaseModel):
    """One act of the plan, as the parameters of the task hold it."""

    service: str
    action: str
    repeatable: bool

    @property
    def act(self) -> Act:
        return Act(self.service, self.action, self.repeatable)


@jobs.register(JOB)
class ActUponServices(Job):
    """Does what a plan says, act by act; each service is awaited before the next act.

    When it fails or is cancelled, what it has stopped on the way to a restart is started again.
    """

    class Parameters(Job.Parameters):
        service: str
        action: str
        others: Others
        reason: str
        timeout_seconds: float
        acts: list[ActIn]
        affected: list[str]

    steps = Steps(check=1, act=External(1, repeatable=True), wait=External(1, repeatable=True))
    timeout = 6 * 3600.0
    max_attempts = 5
    scope = ADMIN_SERVICES

    def __init__(self, parameters: Any) -> None:
        super().__init__(parameters)
        self.acts = [each.act for each in parameters.acts]
        self.services = {act.service for act in self.acts}

    @classmethod
    def plan(cls, parameters: Any) -> Iterator[Step]:
        yield Step(CHECK, 1, external=False, repeatable=True)
        for each in parameters.acts:
            act = each.act
            yield Step(act.step, 10, external=True, repeatable=act.repeatable)
            if act.awaited:
                yield Step(act.awaited, 10, external=True, repeatable=True)

    def method(self, step: str) -> Callable[[Context], None]:
        methods: dict[str, Callable[[Context], None]] = {CHECK: self.check}
        for act in self.acts:
            methods[act.step] = partial(self.act, act)
            if act.awaited:
                methods[act.awaited] = partial(self.wait, act)
        return methods[step]

    def check(self, context: Context) -> None:
        """Take the services, and see that they can be acted upon and the plan still covers all
        that it concerns: since it was made, other tasks may have come first."""
        holding.take(self.services, task_id=context.task_id)
        desired = context.state.setdefault("desired", {})
        for name in sorted(self.services):
            found = current.service(name)
            current.controller(found)
            elsewhere.require_worker(found.node)
            desired[name] = found.desired_state
        if self.parameters.others != Others.LEAVE:
            self._require_covered()

    def _require_covered(self) -> None:
        given = self.parameters
        now = current.planned(name=given.service, action=given.action, others=given.others)
        if new := sorted(now.concerned - self.services - set(given.affected)):
            error = DependentsRunning if now.dependents_running else DependenciesStopped
            raise error(
                f"Since this was asked for it has come to concern {', '.join(new)}: ask anew.",
                extra={error.code: new},
            )

    def act(self, act: Act, context: Context) -> None:
        """Ask the controller. With a stop, that is all."""
        context.info(f"{act.action} {act.service}")
        given = self.parameters
        found = current.service(act.service)
        holding.begin(act, is_aim=given.action == STOP)
        acting = self._acting(act, context)
        with outcomes.failure_told(act, reason=given.reason, context=context):
            if elsewhere.is_elsewhere(found):
                elsewhere.carry_out(act, found.node, acting=acting, actor=context.actor)
            else:
                getattr(current.controller(found), act.action)(acting)
        if act.action == STOP:
            outcomes.done(act, reason=given.reason, context=context)  # the look says by whom
            holding.stopped(act, is_aim=given.action == STOP)

    def wait(self, act: Act, context: Context) -> None:
        """Until what was asked for has come about and a look finds the service healthy."""
        given = self.parameters
        acting = self._acting(act, context)
        pause, nap = FIRST_PAUSE_SECONDS, threading.Event()
        with outcomes.failure_told(act, reason=given.reason, context=context):
            while reason := self._not_yet(act, acting, context):
                if acting.is_late:
                    raise NotHealthyInTime(
                        f"{act.service} was not healthy {given.timeout_seconds:g} s after the"
                        f" {act.action} was asked for: {reason}"
                    )
                context.give_way()
                nap.wait(min(pause, acting.remaining()))
                pause = min(pause * 1.5, LONGEST_PAUSE_SECONDS)
        holding.is_back(act.service)
        outcomes.done(act, reason=given.reason, context=context)
        context.info(f"{act.service} is up")

    def _acting(self, act: Act, context: Context) -> Acting:
        return Acting.of_task(act, context, seconds=self.parameters.timeout_seconds)

    def _not_yet(self, act: Act, acting: Acting, context: Context) -> str:
        """Why it is not up; "" when it is."""
        context.give_way()
        found = current.service(act.service)
        try:
            # Elsewhere, the task there has waited for that.
            is_here = not elsewhere.is_elsewhere(found)
            if is_here and not current.controller(found).is_renewed(acting):
                return "what was asked for has not come about"
            look(name=act.service, checkpoint=context.checkpoint)
        except (ActionFailed, Unavailable) as error:
            return error.message
        state = State.objects.get(service=found)
        is_up = state.health in UP and state.successes_in_a_row > 0
        return "" if is_up else state.reason or f"it is {state.health}, and on its way"

    def clean_up(self, context: Context) -> None:
        undoing.undo(self.acts, aim=self.parameters.action, context=context)
