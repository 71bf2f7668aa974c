"""How long ended processes and carried-out commands are kept."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from core import retention
from core.processes.models import Command, Process

KEEP_PROCESSES = timedelta(days=7)
KEEP_COMMANDS = timedelta(days=1)


@retention.register("processes.ended")
def ended_processes() -> QuerySet[Process]:
    before = Now() - KEEP_PROCESSES
    return Process.objects.filter(Q(stopped_at__lt=before) | Q(gone_at__lt=before))


@retention.register("processes.commands")
def old_commands() -> QuerySet[Command]:
    """A process that was cut off for longer has missed them: what it caches must not live as
    long."""
    return retention.older_than(Command.objects.all(), "created_at", KEEP_COMMANDS)
