"""Services as they are defined, and how each is now."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models.functions import Now

from core import ids
from tasks.models import Task


class Criticality(models.TextChoices):
    LOW = "low"
    NORMAL = "normal"
    CRITICAL = "critical"


class Origin(models.TextChoices):
    INSTANCE = "instance"  # a part of the instance itself, which can't be deleted
    OPERATOR = "operator"


class DesiredState(models.TextChoices):
    RUNNING = "running"
    STOPPED = "stopped"


class Health(models.TextChoices):
    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"
    UNKNOWN = "unknown"


class Service(models.Model):
    """A thing that the team runs, as it is defined. `State` says how it is.

    In `probe` and `controller` a mask stands for each secret; `secrets` is the ciphertext of
    their values by path, such as `probe.password`. `version` grows with each change.
    """

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    name = models.CharField(max_length=63, unique=True)
    type = models.CharField(max_length=63)
    description = models.CharField(max_length=500, db_default="")
    owner = models.CharField(max_length=200, db_default="")
    tags = ArrayField(models.CharField(max_length=63), default=list)
    node = models.CharField(max_length=63, db_default="")  # "": whichever
    criticality = models.CharField(max_length=10, choices=Criticality.choices, default="normal")
    origin = models.CharField(max_length=10, choices=Origin.choices, default="operator")
    probe = models.JSONField()
    controller = models.JSONField(null=True)
    secrets = models.TextField(db_default="")
    config = models.JSONField(default=dict)
    slo = models.JSONField(null=True)
    restart_policy = models.JSONField(null=True)
    desired_state = models.CharField(max_length=10, choices=DesiredState.choices, default="running")
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(db_default=Now())
    changed_at = models.DateTimeField(db_default=Now())
    changed_by = models.CharField(max_length=200, db_default="")

    class Meta:
        app_label = "services"
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Dependency(models.Model):
    """`service` needs `needs` to work."""

    service = models.ForeignKey(Service, models.CASCADE, related_name="dependencies")
    needs = models.ForeignKey(Service, models.CASCADE, related_name="dependents")

    class Meta:
        app_label = "services"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=("service", "needs"), name="services_dependency_once"),
            models.CheckConstraint(
                condition=~models.Q(service=models.F("needs")), name="services_dependency_other"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.service_id} needs {self.needs_id}"


class State(models.Model):
    """How a service is: written by every look at it, so it is a small row beside the definition.

    `claimed_by` is the process that looks at it right now, until `claimed_until` at most.
    `since` is when `health` became what it is, `status_since` likewise. `acting` is the task
    that starts, stops or restarts it.
    """

    service = models.OneToOneField(Service, models.CASCADE, primary_key=True, related_name="state")
    status = models.CharField(max_length=10, default="unknown")
    status_since = models.DateTimeField(db_default=Now())
    health = models.CharField(max_length=10, choices=Health.choices, default="unknown")
    since = models.DateTimeField(db_default=Now())
    reason = models.CharField(max_length=2000, db_default="")
    version = models.CharField(max_length=200, db_default="")
    started_at = models.DateTimeField(null=True)
    probed_at = models.DateTimeField(null=True)
    latency_ms = models.FloatField(null=True)
    requests_handled = models.BigIntegerField(null=True)
    figures = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    failures_in_a_row = models.PositiveIntegerField(db_default=0)
    successes_in_a_row = models.PositiveIntegerField(db_default=0)
    next_probe_at = models.DateTimeField(db_default=Now())
    claimed_by = models.UUIDField(null=True)
    claimed_until = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    heartbeat = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    acting = models.ForeignKey(Task, models.SET_NULL, null=True, related_name="+")
    automatic_restarts = models.PositiveIntegerField(db_default=0)
    next_restart_at = models.DateTimeField(null=True)

    class Meta:
        app_label = "services"
        indexes: ClassVar = [
            models.Index(fields=("next_probe_at",), name="services_state_due"),
        ]

    def __str__(self) -> str:
        return f"{self.service_id}: {self.status}, {self.health}"
