"""One attempt at one task: claim it, run the steps that are left, write how it ended."""

from __future__ import annotations

import logging
import os
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from billiard.common import (  # type: ignore[attr-defined]  # its stubs are older
    terminate_handler_fired as told_to_end,
)
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from pydantic import Field

from core import options
from core.access.actor import Actor
from core.api import request_id
from core.errors import NexusError, NotFound
from tasks import doorbell, metrics, redispatch, transitions
from tasks.context import Context
from tasks.interrupts import CancelRequested, HandBack, LeaseLost, TimedOut
from tasks.job import Job, Step, jobs
from tasks.models import Status
from tasks.pulse import Pulse
from tasks.transitions import CLEAN_UP_ATTEMPTS, Claim, StepRow, Superseded

logger = logging.getLogger(__name__)

RETRY_PAUSE = options.declare(
    "tasks.retry_seconds", Annotated[float, Field(ge=0.1, le=60)], default=1.0, unit="s",
    help="How long a task that may be tried again waits before its second attempt. The pause"
    " doubles with each further one.",
)  # fmt: skip
LONGEST_RETRY_PAUSE = options.declare(
    "tasks.longest_retry_seconds", Annotated[float, Field(ge=60, le=3600)],
    default=60.0, unit="s", help="The longest pause between two attempts at a task.",
)  # fmt: skip


class OutcomeUnknown(NexusError):
    """An effect outside the database may or may not have happened."""

    code = "outcome_unknown"


@dataclass(frozen=True, slots=True)
class Ending:
    """How an attempt ends: what is to be written, and whether the job cleans up before.

    `status` is that of the task from then on; None when there will be another attempt.
    """

    write: Callable[[Claim], None]
    status: Status | None = None
    clean_up: bool = False
    ring: bool = False  # the task goes on somewhere else
    leave: bool = False  # this process has been told to end


def worker_name() -> str:
    return f"{settings.NODE}:{os.getpid()}"


def run(task_id: UUID, *, on_stuck: Callable[[], None] | None = None) -> bool:
    """Run the task unless somebody else does or it isn't due; returns whether it was claimed.

    Options keep the values that they have at the beginning until the attempt has ended.
    `on_stuck` ends this process when the job ignores its timeout.
    """
    claim = _claimed(task_id)
    if claim is None:
        return False
    request_id.adopt(claim.request_id)
    try:
        with options.held():
            Attempt(claim, on_stuck).run()
    except (Superseded, LeaseLost):
        logger.warning("task %s is held by another worker now; nothing was written", task_id)
    finally:
        request_id.adopt("")
        if connection.errors_occurred:
            connection.close()
    return True


def _claimed(task_id: UUID) -> Claim | None:
    """The connection stays open between tasks, so it may have gone stale: try again once."""
    try:
        return transitions.claim(task_id, worker=worker_name())
    except (OperationalError, InterfaceError):
        connection.close()
        return transitions.claim(task_id, worker=worker_name())


class Attempt:
    """What happens between a claim and the write that ends it."""

    def __init__(self, claim: Claim, on_stuck: Callable[[], None] | None) -> None:
        self.claim = claim
        self.began = time.monotonic()
        self.pulse = Pulse(claim, on_stuck=on_stuck)
        self.context = Context(
            task_id=claim.id,
            attempt=claim.attempts,
            actor=Actor(claim.actor_kind, claim.actor_id, claim.actor_name, frozenset()),
            state=claim.state,
            pulse=self.pulse,
        )
        self.context.result(claim.result or {})

    def run(self) -> None:
        metrics.begun(self.claim)
        with self.pulse:
            ending = self._work()
        # The log is complete by now, and the lease outlasts this write.
        ending.write(self.claim)
        if ending.status is not None:
            metrics.ended(self.claim, ending.status, seconds=time.monotonic() - self.began)
        if ending.ring:
            doorbell.ring(self.claim.id, queue=self.claim.queue, timeout=self.claim.timeout)
        if self.claim.concurrency_key is not None:
            redispatch.ring_next(self.claim.concurrency_key)
        if ending.leave:
            raise SystemExit

    def _work(self) -> Ending:
        try:
            job_class = jobs.get(self.claim.type)
            job = job_class(job_class.validated(self.claim.parameters))
        except NexusError as error:
            code = "unknown_job_type" if isinstance(error, NotFound) else error.code
            return _failed(code, error.message)
        ending = self._ending(job)
        if ending.clean_up and self.claim.attempts <= self.claim.max_attempts + CLEAN_UP_ATTEMPTS:
            self._clean_up(job)
        return ending

    def _ending(self, job: Job) -> Ending:
        claim = self.claim
        try:
            if claim.cancel_requested_at is not None:
                raise CancelRequested
            if claim.exhausted:
                return self._given_up()
            self._run_steps(job)
        except CancelRequested:
            return _ended(Status.CANCELLED, clean_up=True)
        except TimedOut:
            return _failed("timed_out", f"It took longer than {claim.timeout:g} s.", clean_up=True)
        except HandBack:
            self.context.info("This worker is shutting down; another one goes on.")
            return Ending(transitions.hand_back, ring=True)
        except (Superseded, LeaseLost):
            raise
        except (Exception, SystemExit) as error:
            return self._interrupted(error) if told_to_end() else self._after(error, job)
        return _ended(Status.COMPLETED)

    def _interrupted(self, error: BaseException) -> Ending:
        """A signal to this process, not the job's fault, has ended the step wherever it was."""
        if not self.pulse.may_hand_back:
            raise error  # the row stays as a killed worker leaves it: look what took effect
        self.context.info("Its process was told to end; another one goes on.")
        return Ending(transitions.hand_back, ring=True, leave=True)

    def _given_up(self) -> Ending:
        if self.claim.error_code:  # written by whoever gave the task up
            return _failed(self.claim.error_code, self.claim.error_message, clean_up=True)
        lost = self.claim.attempts - 1
        times = "once" if lost == 1 else f"{lost} times"
        return _failed(
            "worker_lost", f"Its worker was lost {times} while running it.", clean_up=True
        )

    def _run_steps(self, job: Job) -> None:
        whole = sum(row.weight for row in self.claim.steps)
        kinds = {step.name: step for step in job.plan(job.parameters)}
        done = 0.0
        begun = True  # the claim has begun the first open step
        for row in self.claim.steps:
            share = row.weight / whole
            if row.status != Status.COMPLETED:
                self.pulse.check()
                _refuse_to_guess(row, kinds[row.name])
                if not begun:
                    transitions.start_step(row)
                begun = False
                self._run_step(job, kinds[row.name], row, done=done, share=share)
            done += share

    def _run_step(self, job: Job, kind: Step, row: StepRow, *, done: float, share: float) -> None:
        self.context.step = row.name
        self.pulse.enter_step(row.id, done_before=done, share=share, may_hand_back=kind.repeatable)
        body = job.method(row.name)
        if kind.external:
            body(self.context)
            self._complete(row, done + share)
        else:
            with transaction.atomic():
                body(self.context)
                self.pulse.check()
                self._complete(row, done + share)

    def _complete(self, row: StepRow, progress: float) -> None:
        transitions.complete_step(
            self.claim,
            row,
            progress=progress,
            state=self.context.state,
            result=self.context.document or None,
        )

    def _after(self, error: BaseException, job: Job) -> Ending:
        """What follows when a step raised `error`: another attempt, or the end."""
        message = (
            error.message if isinstance(error, NexusError) else f"{type(error).__name__}: {error}"
        )
        again = job.retryable and isinstance(error, job.retry_on)
        if again and not self.pulse.may_hand_back:
            return self._after(_unknown(f"{message} came up", self.context.step), job)
        if again and self.claim.attempts < self.claim.max_attempts:
            doubled = RETRY_PAUSE.value * 2.0 ** (self.claim.attempts - 1)
            seconds = min(doubled, LONGEST_RETRY_PAUSE.value)
            self.context.warning(f"{message}; trying again in {seconds:g} s")
            return Ending(lambda claim: transitions.retry_later(claim, seconds=seconds))
        self.context.log("ERROR", message)
        logger.info("task %s failed", self.claim.id, exc_info=error)
        code = error.code if isinstance(error, NexusError) else "job_error"
        return _failed(code, message, clean_up=True, trace=_trace(error))

    def _clean_up(self, job: Job) -> None:
        self.pulse.shield()
        try:
            job.clean_up(self.context)
        except (Exception, SystemExit) as error:
            if told_to_end():
                raise  # whoever claims the row next cleans up
            logger.warning("clean-up of task %s failed", self.claim.id, exc_info=error)
            self.context.log("ERROR", f"Clean-up failed: {type(error).__name__}: {error}")


def _refuse_to_guess(row: StepRow, kind: Step) -> None:
    if row.status == Status.RUNNING and not kind.repeatable:
        raise _unknown("The worker was lost", row.name)


def _unknown(what: str, step: str) -> OutcomeUnknown:
    return OutcomeUnknown(f"{what} during {step}: look whether it took effect.")


def _trace(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))


def _ended(status: Status, *, clean_up: bool = False) -> Ending:
    return Ending(lambda claim: transitions.finish(claim, status), status, clean_up=clean_up)


def _failed(code: str, message: str, *, clean_up: bool = False, trace: str = "") -> Ending:
    def write(claim: Claim) -> None:
        transitions.finish(claim, Status.FAILED, code=code, message=message, traceback=trace)

    return Ending(write, Status.FAILED, clean_up=clean_up)
