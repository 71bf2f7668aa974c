"""Who runs: the processes of the instance, and what they are told."""

from __future__ import annotations

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models.functions import Now

from core import ids


class Role(models.TextChoices):
    WEB = "web"
    WORKER = "worker"
    BEAT = "beat"


class Process(models.Model):
    """One run of one process; a restarted process, even with the same pid, is another row.

    All times are the database's, so the clocks of the nodes don't matter. `place` tells
    machines and containers apart that share a node's name; `pid_created` is when the
    operating system started the pid (clock ticks since boot). `run_started_at` is when the instance
    came up: taken over from those alive at the start, so it outlives single processes.
    """

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    node = models.CharField(max_length=63)
    pid = models.PositiveIntegerField()
    role = models.CharField(max_length=10, choices=Role.choices)
    parent_pid = models.PositiveIntegerField(null=True, blank=True)
    version = models.CharField(max_length=50)
    place = models.CharField(max_length=100, blank=True, default="")
    pid_created = models.BigIntegerField(null=True, blank=True)
    started_at = models.DateTimeField(db_default=Now())
    run_started_at = models.DateTimeField(db_default=Now())
    heartbeat_at = models.DateTimeField(db_default=Now())
    stopped_at = models.DateTimeField(null=True, blank=True)
    gone_at = models.DateTimeField(null=True, blank=True)
    loops = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    figures = models.JSONField(default=dict, encoder=DjangoJSONEncoder)

    class Meta:
        verbose_name_plural = "processes"
        indexes = [
            models.Index(fields=["started_at", "id"], name="processes_process_started"),
            models.Index(
                fields=["heartbeat_at"],
                name="processes_process_running",
                condition=models.Q(stopped_at__isnull=True, gone_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.role}@{self.node}:{self.pid}"


class CurrentTransaction(models.Func):
    """The id of the running transaction, which grows over the life of the database server."""

    template = "(pg_current_xact_id()::text::bigint)"
    arity = 0
    output_field = models.BigIntegerField()


class Command(models.Model):
    """Something every process is told to do.

    `transaction` lets readers find commands in whatever order their transactions commit;
    see `core.processes.inbox`.
    """

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    name = models.CharField(max_length=100)
    payload = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    transaction = models.BigIntegerField(db_default=CurrentTransaction(), db_index=True)
    created_at = models.DateTimeField(db_default=Now(), db_index=True)

    def __str__(self) -> str:
        return self.name


class Acknowledgement(models.Model):
    """What one process answered to a command; `error` is empty when it was carried out."""

    command = models.ForeignKey(Command, on_delete=models.CASCADE, related_name="acknowledgements")
    process = models.ForeignKey(Process, on_delete=models.CASCADE, related_name="+")
    answer = models.JSONField(null=True, encoder=DjangoJSONEncoder)
    error = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["command", "process"], name="processes_acknowledgement_once"
            ),
        ]

    def __str__(self) -> str:
        return self.error or "done"


class Instance(models.Model):
    """The one row that tells this instance apart from others that share its Valkey."""

    singleton = models.BooleanField(primary_key=True, default=True)
    id = models.UUIDField(default=ids.new, editable=False)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(singleton=True), name="processes_instance_one"
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)
