"""Jobs to try the engine with. Workers of the tests load this module."""

from __future__ import annotations

import os
import signal
import threading
import time

from django.db import connection
from pydantic import Field

from core import options
from tasks.job import Context, External, Job, Steps, jobs
from tasks.models import Status
from tasks.retention import KEEP_DAYS

EFFECTS = "CREATE TABLE IF NOT EXISTS specimen_effect (task_id uuid, step text, at timestamptz)"


def effect(context: Context, name: str = "") -> None:
    """Leave a row in the step's transaction: its effect."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO specimen_effect VALUES (%s, %s, clock_timestamp())",
            [context.task_id, name or context.step],
        )


def pause(context: Context, seconds: float) -> None:
    """Work for `seconds`, with progress."""
    end = time.monotonic() + seconds
    nap = threading.Event()
    while (left := end - time.monotonic()) > 0:
        context.progress(1 - left / seconds)
        nap.wait(min(0.02, left))


class Lasting(Job):
    class Parameters(Job.Parameters):
        seconds: float = Field(default=0.0, ge=0)
        key: str | None = None

    @classmethod
    def concurrency_key(cls, parameters: Lasting.Parameters) -> str | None:
        return parameters.key

    def clean_up(self, context: Context) -> None:
        effect(context, "clean_up")


@jobs.register("specimen.plain")
class Plain(Lasting):
    """Two steps with an effect each; takes `seconds` in all."""

    steps = Steps(first=1, second=3)

    def first(self, context: Context) -> None:
        context.info("first begins")
        context.state["first_by"] = os.getpid()
        effect(context)
        pause(context, self.parameters.seconds / 2)

    def second(self, context: Context) -> None:
        effect(context)
        pause(context, self.parameters.seconds / 2)
        context.result({"first_by": context.state["first_by"]})


@jobs.register("specimen.sturdy")
class Sturdy(Plain):
    """May lose its worker often."""

    max_attempts = 100


@jobs.register("specimen.behind")
class Behind(Plain):
    queue_behind = True


@jobs.register("specimen.poison")
class Poison(Lasting):
    """Kills whoever runs it."""

    steps = Steps(bite=1)
    max_attempts = 2

    def bite(self, context: Context) -> None:
        effect(context)
        os.kill(os.getpid(), signal.SIGKILL)


@jobs.register("specimen.telling")
class Telling(Lasting):
    """Says what it found in types that JSON has no word for."""

    steps = Steps(tell=1)

    def tell(self, context: Context) -> None:
        context.result({"by_status": {Status.COMPLETED: 2}, "task": context.task_id})


@jobs.register("specimen.failing")
class Failing(Lasting):
    steps = Steps(work=1, fail=1)

    def work(self, context: Context) -> None:
        effect(context)

    def fail(self, context: Context) -> None:
        effect(context)
        raise ValueError("the specimen fails")


@jobs.register("specimen.reading")
class Reading(Lasting):
    """Reads an option before and after a change that takes place while it runs."""

    steps = Steps(read=1, change=1)

    def read(self, context: Context) -> None:
        context.state["before"] = KEEP_DAYS.value

    def change(self, context: Context) -> None:
        with options.replaced({KEEP_DAYS.key: 5}):
            context.result(
                {
                    "before": context.state["before"],
                    "changed_to": KEEP_DAYS.value_in(options.current()),
                    "after": KEEP_DAYS.value,
                }
            )


class Hiccup(Exception):
    pass


@jobs.register("specimen.flaky")
class Flaky(Lasting):
    """Succeeds at the second attempt."""

    steps = Steps(work=1, settle=1)
    retry_on = (Hiccup,)

    def work(self, context: Context) -> None:
        effect(context)

    def settle(self, context: Context) -> None:
        effect(context)
        if context.attempt == 1:
            raise Hiccup("not yet")


@jobs.register("specimen.stubborn")
class Stubborn(Lasting):
    """Never reaches a checkpoint."""

    steps = Steps(hang=External(1, repeatable=True))
    timeout = 1.0

    def hang(self, context: Context) -> None:
        threading.Event().wait(self.parameters.seconds)


@jobs.register("specimen.slow")
class Slow(Lasting):
    """Reaches checkpoints, but takes longer than it may."""

    steps = Steps(crawl=1)
    timeout = 0.5

    def crawl(self, context: Context) -> None:
        effect(context)
        pause(context, 60)


@jobs.register("specimen.once")
class Once(Lasting):
    """An effect outside the database that must not be repeated on a guess."""

    steps = Steps(act=External(1, repeatable=False))

    def act(self, context: Context) -> None:
        effect(context)
        pause(context, self.parameters.seconds)


@jobs.register("specimen.once_flaky")
class OnceFlaky(Once):
    """Would be tried again, were it not for its step."""

    retry_on = (Hiccup,)

    def act(self, context: Context) -> None:
        effect(context)
        raise Hiccup("perhaps it was done")


@jobs.register("specimen.waiting")
class Waiting(Lasting):
    """Only waits, so it gives way."""

    steps = Steps(wait=External(1, repeatable=True))

    def wait(self, context: Context) -> None:
        while context.attempt == 1:
            context.give_way()
            threading.Event().wait(0.02)


@jobs.register("specimen.command")
class Command(Lasting):
    """Runs child processes: a shell with a child of its own."""

    steps = Steps(run=External(1, repeatable=True))

    def run(self, context: Context) -> None:
        context.info(f"worker {os.getpid()}")
        script = f"sleep {self.parameters.seconds} & echo $!; wait"
        context.result({"said": context.run_command(["sh", "-c", script]).decode().strip()})
