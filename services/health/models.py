"""The history of services: how healthy they were, what went wrong, when they were worked on."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now

from core import ids
from services.registry.models import Health, Service


class HealthPeriod(models.Model):
    """A time during which a service's health stayed the same; the current one has no end.

    Periods of a service follow each other without a gap: while nobody looked, it is unknown.
    What is `excused`, for it lies in a maintenance window or the service was stopped on
    purpose, counts neither for nor against its uptime.
    """

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    service = models.ForeignKey(Service, models.CASCADE, related_name="periods")
    health = models.CharField(max_length=10, choices=Health.choices)
    excused = models.BooleanField(default=False)
    reason = models.CharField(max_length=2000, db_default="")
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        app_label = "services"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=("service",),
                condition=models.Q(ended_at=None),
                name="services_period_one_current",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=("service", "-started_at"), name="services_period_history"),
            models.Index(fields=("ended_at",), name="services_period_ended"),
        ]

    def __str__(self) -> str:
        return f"{self.service_id}: {self.health} since {self.started_at}"


class ErrorGroup(models.Model):
    """Errors of a service that are alike but for numbers and ids; `error` is the newest."""

    service = models.ForeignKey(Service, models.CASCADE, related_name="errors")
    fingerprint = models.CharField(max_length=32)
    error = models.CharField(max_length=2000)
    count = models.PositiveBigIntegerField(db_default=1)
    first_seen_at = models.DateTimeField(db_default=Now())
    last_seen_at = models.DateTimeField(db_default=Now())

    class Meta:
        app_label = "services"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=("service", "fingerprint"), name="services_errorgroup_once"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=("service", "-last_seen_at"), name="services_errorgroup_newest"),
            models.Index(fields=("last_seen_at",), name="services_errorgroup_seen"),
        ]

    def __str__(self) -> str:
        return self.error


class MaintenanceWindow(models.Model):
    """A time in which a service may be down: nobody is told, and nothing restarts it.

    A window that is ended before its time has `ends_at` moved there.
    """

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    service = models.ForeignKey(Service, models.CASCADE, related_name="maintenance_windows")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    reason = models.CharField(max_length=500)
    created_at = models.DateTimeField(db_default=Now())
    created_by = models.CharField(max_length=200, db_default="")

    class Meta:
        app_label = "services"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(ends_at__gte=models.F("starts_at")),
                name="services_maintenance_in_order",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=("service", "-ends_at"), name="services_maintenance_newest"),
            models.Index(fields=("ends_at",), name="services_maintenance_ended"),
        ]

    def __str__(self) -> str:
        return f"{self.service_id}: {self.starts_at} to {self.ends_at}"
