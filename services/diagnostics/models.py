"""Results of diagnostics, kept to compare later runs with."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from core import ids
from tasks.models import Task

PREFIX = "diag"


class DiagnosticResult(models.Model):
    """One test of one component in one run; the run is the task with the id `run`."""

    run = models.UUIDField(db_index=True)
    component = models.CharField(max_length=100)
    test = models.CharField(max_length=100)
    status = models.CharField(max_length=20)  # pass, warning, fail
    reason = models.TextField(blank=True, default="")
    duration_ms = models.FloatField()
    figures = models.JSONField(default=dict)
    comparison = models.JSONField(null=True)  # with earlier runs, where there are enough
    finished_at = models.DateTimeField()

    class Meta:
        app_label = "services"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=("run", "component", "test"), name="one_result_per_test"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=("component", "test", "-finished_at"), name="diagnostic_history"),
        ]

    def __str__(self) -> str:
        return f"{self.component} {self.test}: {self.status}"


class DiagnosticRun(Task):
    """A task that runs diagnostics, as the admin lists it."""

    class Meta:
        app_label = "services"
        proxy = True
        verbose_name = "diagnostic run"
        verbose_name_plural = "diagnostic runs"

    def __str__(self) -> str:
        return ids.external(PREFIX, self.pk)
