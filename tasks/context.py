"""What a running step may say and ask: progress, log lines, checkpoints, child processes."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any
from uuid import UUID

from core import ids
from core.access.actor import Actor
from tasks import children, draining
from tasks.interrupts import HandBack
from tasks.pulse import Pulse

CHECK_SECONDS = 0.1  # between checkpoints while a child process runs


class CommandFailed(Exception):
    """A child process ended with another status than 0."""

    def __init__(self, program: str, status: int, errors: str) -> None:
        super().__init__(f"{program} ended with status {status}: {errors or 'it said nothing'}")
        self.status = status


class Context:
    """Handed to every step and to `clean_up`.

    `state` is kept with the completion of each step: a later step finds in it, on whatever
    worker, what an earlier one put there. `document` becomes the task's result.
    """

    def __init__(
        self, *, task_id: UUID, attempt: int, actor: Actor, state: dict[str, Any], pulse: Pulse
    ) -> None:
        self.task_id = task_id
        self.attempt = attempt
        self.actor = actor
        self.state = state
        self.document: dict[str, Any] = {}
        self.step = ""
        self._pulse = pulse

    @property
    def idempotency_key(self) -> str:
        """The same for every attempt of this step: give it to whatever has effects outside."""
        return f"{ids.external('task', self.task_id)}:{self.step}"

    def progress(self, fraction: float) -> None:
        """Say how much of the current step is done, from 0 to 1. Cheap: call it in every loop.

        It is a checkpoint too: raises an Interrupt when the job has to stop.
        """
        pulse = self._pulse
        if fraction > pulse.fraction:
            pulse.advance(fraction)
        if pulse.interrupt is not None:
            self.checkpoint()

    def checkpoint(self) -> None:
        """Raises an Interrupt when the job has to stop: cancelled, timed out, handed back."""
        self._pulse.check()

    def give_way(self) -> None:
        """A checkpoint for steps that only wait: hands the task to another worker as soon as
        this one begins to shut down, not after the grace that is for work."""
        self.checkpoint()
        if self._pulse.may_hand_back and draining.is_under_way():
            raise HandBack

    def log(self, level: str, message: str) -> None:
        """Add a line to the task's log. `level` is DEBUG, INFO, WARNING or ERROR."""
        self._pulse.say(level.upper(), message)

    def info(self, message: str) -> None:
        self._pulse.say("INFO", message)

    def warning(self, message: str) -> None:
        self._pulse.say("WARNING", message)

    def result(self, document: Mapping[str, Any]) -> None:
        """Add to the task's result document; kept when the step completes."""
        self.document.update(document)

    def run_command(
        self,
        command: Sequence[str],
        *,
        input: bytes | None = None,
        stdout: int | IO[bytes] = subprocess.PIPE,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> bytes:
        """Run a child process and return what it wrote to stdout.

        The child and its own children are killed when the job has to stop or the worker dies.
        Raises CommandFailed with the end of stderr when it does not end with status 0.
        """
        process = children.start(
            command,
            stdin=input is not None,
            stdout=stdout,
            env={**os.environ, **(env or {})},
            cwd=cwd,
        )
        with self._pulse.watching(process):
            while True:
                try:
                    output, errors = process.communicate(input=input, timeout=CHECK_SECONDS)
                    break
                except subprocess.TimeoutExpired:
                    input = None  # communicate remembers it
                    self.checkpoint()
        if process.returncode != 0:
            said = errors.decode(errors="replace").strip()[-2000:]
            raise CommandFailed(command[0], process.returncode, said)
        return output or b""
