"""What starts and stops with the worker and beat processes."""

from __future__ import annotations

from typing import Any

from celery import signals
from django.conf import settings

from core.config import loading
from core.processes import runtime
from nexus import beginning, log_levels
from nexus.options import CONCURRENCY
from tasks import children, draining
from tasks.readiness import wait_for_database


@signals.worker_init.connect
def _wait(**_: Any) -> None:
    draining.reset()
    wait_for_database()
    beginning.begin()


@signals.worker_init.connect
def take_size(sender: Any, **_: Any) -> None:
    """Run as many jobs at once as are configured, unless the command line says how many."""
    if sender.concurrency == settings.WORKER_CONCURRENCY:
        sender.concurrency = CONCURRENCY.value


@signals.setup_logging.connect
def set_up_logging(**_: Any) -> None:
    """The log is Django's in every process: Celery would set the level to one of its own."""
    log_levels.apply()


@signals.worker_ready.connect
def _start_worker(**_: Any) -> None:
    runtime.start("worker")


@signals.worker_process_init.connect
def _start_child(**_: Any) -> None:
    children.die_with_parent()
    loading.attempt()
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
    beginning.begin()
    runtime.start("beat")
