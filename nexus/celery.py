"""The Celery application: how workers take messages, and what runs beside them.

A message only says "look at this task" (see `tasks`), so losing or doubling one is harmless.
"""

from __future__ import annotations

import os
from typing import Any

import django
from celery import Celery
from celery.app.amqp import AMQP
from django.apps import apps
from django.conf import settings
from kombu import Connection, Queue

from tasks import doorbell

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "nexus.settings")

BROKER_SECONDS = 2.0  # what one exchange with the broker may take


class Broker(Connection):
    """A connection that tries every second to come back; kombu's pauses grow to half a minute."""

    def ensure_connection(self, *args: Any, **kwargs: Any) -> Connection:  # type: ignore[override]
        pace = {"interval_start": 1, "interval_step": 0, "interval_max": 1}
        return super().ensure_connection(*args, **{**pace, **kwargs})


class Amqp(AMQP):
    Connection = BrokerConnection = Broker


# Without Celery's Django fixup: it would make a new connection pool for every message.
app = Celery("nexus", fixups=[], amqp=Amqp)
app.conf.update(
    broker_url=settings.BROKER_URL,
    broker_connection_timeout=BROKER_SECONDS,
    broker_pool_limit=64,  # no thread that sends a message waits for another one's connection
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_transport_options={
        "socket_timeout": BROKER_SECONDS,
        "socket_connect_timeout": BROKER_SECONDS,
        "socket_keepalive": True,
        "visibility_timeout": 3600,
    },
    task_queues=[Queue(doorbell.QUEUE), Queue(doorbell.node_queue(settings.NODE))],
    task_default_queue=doorbell.QUEUE,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_ignore_result=True,
    task_publish_retry=False,
    task_serializer="json",
    accept_content=["json"],
    result_expires=None,
    worker_concurrency=settings.WORKER_CONCURRENCY,
    worker_prefetch_multiplier=1,
    worker_disable_prefetch=settings.BROKER_URL.startswith("redis"),
    worker_enable_remote_control=False,
    worker_hijack_root_logger=False,
    worker_redirect_stdouts=False,
    worker_proc_alive_timeout=30,
    beat_scheduler="tasks.schedules.Scheduler",
    timezone="UTC",
)
app.set_default()


if not apps.models_ready:  # run by `celery -A nexus`, not by Django
    django.setup()
