"""The rows of the job engine. They are the truth; a Celery message only says "look at this one"."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from core import ids


class Status(models.TextChoices):
    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


ACTIVE = (Status.PENDING, Status.RUNNING)
FINISHED = (Status.COMPLETED, Status.FAILED, Status.CANCELLED)


class Task(models.Model):
    """One run of a Job, over all its attempts.

    Whoever holds the newest `token` may write; claiming raises it by one. `lease_expires_at`
    says until when the holder counts as alive.
    """

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    type = models.CharField(max_length=100)
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    hidden = models.BooleanField(default=False, help_text="Left out of lists, audit and events.")
    parameters = models.JSONField(default=dict)
    state = models.JSONField(default=dict, help_text="What steps hand on to later steps.")
    result = models.JSONField(null=True)
    error_code = models.CharField(max_length=64, default="")
    error_message = models.TextField(default="")
    traceback = models.TextField(default="")
    progress = models.FloatField(default=0.0, help_text="0 to 1, never goes back.")
    timeout = models.FloatField(help_text="Seconds that one attempt may take.")

    queue = models.CharField(max_length=100)
    concurrency_key = models.CharField(max_length=200, null=True)  # noqa: DJ001 - NULL is "none"
    queue_behind = models.BooleanField(default=False)
    not_before = models.DateTimeField(null=True)
    rung_at = models.DateTimeField(null=True, help_text="When its message was last sent.")
    rings = models.PositiveIntegerField(default=0, help_text="Messages sent since it became due.")

    token = models.BigIntegerField(default=0)
    attempts = models.PositiveIntegerField(default=0)
    max_attempts = models.PositiveIntegerField()
    worker = models.CharField(max_length=200, default="")
    claimed_at = models.DateTimeField(null=True)
    lease_expires_at = models.DateTimeField(null=True)
    cancel_requested_at = models.DateTimeField(null=True)

    actor_kind = models.CharField(max_length=16)
    actor_id = models.CharField(max_length=64)
    actor_name = models.CharField(max_length=200)
    request_id = models.CharField(max_length=128, default="")
    schedule = models.CharField(max_length=200, null=True)  # noqa: DJ001 - NULL is "none"
    slot = models.DateTimeField(null=True, help_text="The due time that the schedule fired for.")
    retry_of = models.ForeignKey(
        "self", null=True, on_delete=models.SET_NULL, related_name="retries"
    )

    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(
                F("created_at").desc(), F("id").desc(),
                name="task_newest", condition=Q(hidden=False),
            ),
            models.Index(
                "status", F("created_at").desc(), F("id").desc(),
                name="task_status_newest", condition=Q(hidden=False),
            ),
            models.Index("type", F("created_at").desc(), F("id").desc(), name="task_type_newest"),
            models.Index("queue", "id", name="task_active", condition=Q(status__in=ACTIVE)),
            models.Index("completed_at", name="task_finished", condition=Q(status__in=FINISHED)),
        ]  # fmt: skip
        constraints = [
            models.UniqueConstraint(
                fields=["concurrency_key"],
                name="task_one_active_per_key",
                condition=Q(status__in=ACTIVE, queue_behind=False),
            ),
            models.UniqueConstraint(
                fields=["concurrency_key"],
                name="task_one_running_per_key",
                condition=Q(status=Status.RUNNING),
            ),
            models.UniqueConstraint(fields=["schedule", "slot"], name="task_one_per_slot"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.external_id}"

    @property
    def external_id(self) -> str:
        return ids.external("task", self.id)

    @property
    def finished(self) -> bool:
        return self.status in FINISHED

    @property
    def shown_status(self) -> str:
        """The status as people see it: one asked to stop is `cancelling`."""
        return shown_status(self.status, cancel_requested=self.cancel_requested_at is not None)


def shown_status(status: str, *, cancel_requested: bool) -> str:
    return "cancelling" if status in ACTIVE and cancel_requested else status


class TaskStep(models.Model):
    """One step of a task; made with the task, so that what is to come can be seen."""

    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="steps")
    position = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=100)
    weight = models.FloatField()
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    progress = models.FloatField(default=0.0)
    started_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["task", "position"], name="task_step_position")
        ]

    def __str__(self) -> str:
        return self.name


class TaskLog(models.Model):
    """One line that a job said, written outside the job's own transaction."""

    id = models.BigAutoField(primary_key=True)
    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="logs", db_index=False)
    timestamp = models.DateTimeField(default=timezone.now)
    level = models.CharField(max_length=10)
    message = models.TextField()

    class Meta:
        indexes = [models.Index(fields=["task", "id"], name="task_log_order")]

    def __str__(self) -> str:
        return f"{self.level} {self.message}"


class SchedulerTick(models.Model):
    """When the scheduler of a node last went through its schedules."""

    node = models.CharField(max_length=100, primary_key=True)
    ticked_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.node
