"""A tiny Celery application, as an operator's: nothing of Nexus is in it."""

from __future__ import annotations

import os
import threading

from celery import Celery

app = Celery("fleet", broker=os.environ["FLEET_BROKER_URL"])
app.conf.update(task_default_queue="fleet", task_ignore_result=True, worker_prefetch_multiplier=1)


@app.task
def busy(seconds: float) -> None:
    threading.Event().wait(seconds)
