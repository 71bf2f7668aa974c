"""The job and the bare Celery task that are compared: both only say when they began."""

from __future__ import annotations

import time

from celery import shared_task

from core.valkey import cache_client
from tasks.job import Context, Job, Steps, jobs

BEGAN = "benchmark:began"  # a list: who began, and when on the machine's monotonic clock


def say_begun(who: str) -> None:
    now = time.monotonic()
    cache_client().rpush(BEGAN, f"{who} {now}")


@shared_task(name="benchmark.bare", ignore_result=True)
def bare(who: str) -> None:
    say_begun(who)


@jobs.register("benchmark.job")
class Begin(Job):
    steps = Steps(begin=1)

    def begin(self, context: Context) -> None:
        say_begun(str(context.task_id))
