"""How long ended processes and carried-out commands are kept."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from pydantic import Field

from core import options, retention
from core.processes.models import Command, Process

KEEP_DAYS = options.declare(
    "processes.keep_days", Annotated[int, Field(ge=1, le=365)], default=7, unit="days",
    help="How long a process that has ended stays in the list of processes.",
)  # fmt: skip
KEEP_COMMAND_HOURS = options.declare(
    "processes.keep_command_hours", Annotated[int, Field(ge=1, le=168)], default=24, unit="hours",
    help="How long commands to the processes, and what these answered, are kept.",
)  # fmt: skip


@retention.register("processes.ended")
def ended_processes() -> QuerySet[Process]:
    before = Now() - timedelta(days=KEEP_DAYS.value)
    return Process.objects.filter(Q(stopped_at__lt=before) | Q(gone_at__lt=before))


@retention.register("processes.commands")
def old_commands() -> QuerySet[Command]:
    """A process that was cut off for longer has missed them: what it caches must not live as
    long."""
    age = timedelta(hours=KEEP_COMMAND_HOURS.value)
    return retention.older_than(Command.objects.all(), "created_at", age)
