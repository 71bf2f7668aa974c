"""What starts and stops with the worker and beat processes."""

from __future__ import annotations

from typing import Any

from celery import signals

from core.processes import runtime
from tasks import children, draining
from tasks.readiness import wait_for_database


@signals.worker_init.connect
def _wait(**_: Any) -> None:
    draining.reset()
    wait_for_database()


@signals.worker_ready.connect
def _start_worker(**_: Any) -> None:
    runtime.start("worker")


@signals.worker_process_init.connect
def _start_child(**_: Any) -> None:
    children.die_with_parent()
    runtime.start("worker", child=True)


@signals.worker_shutting_down.connect
def _drain(**_: Any) -> None:
    draining.begin()


@signals.worker_process_shutdown.connect
@signals.worker_shutdown.connect
def _stop(**_: Any) -> None:
    runtime.stop()


@signals.beat_init.connect
def _start_beat(**_: Any) -> None:
    runtime.start("beat")
