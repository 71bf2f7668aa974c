"""What a person should know about, one row for each time it came up."""

from __future__ import annotations

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models.functions import Now

from core import ids


class Severity(models.TextChoices):
    """From the least to the most."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class Alert(models.Model):
    """Something that came up, from the first time it was seen until it was resolved.

    There is one unresolved alert for a fingerprint; seeing the same again counts it up. Its
    status is computed, by `core.alerts.queries.with_status`: silences end by themselves, and
    an acknowledgement counts until `worsened_at`, when the severity last rose.

    `cause` is the alert that it is there because of, and none of those has a cause itself;
    `because` says so in words where the cause is nothing that there is an alert of.
    """

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    fingerprint = models.CharField(max_length=200)
    source = models.CharField(max_length=50)
    severity = models.CharField(max_length=10, choices=Severity.choices)
    title = models.CharField(max_length=200)
    message = models.TextField()
    details = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    count = models.BigIntegerField(db_default=1)
    first_seen_at = models.DateTimeField(db_default=Now())
    last_seen_at = models.DateTimeField(db_default=Now())
    worsened_at = models.DateTimeField(null=True)
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.CharField(max_length=200, db_default="")
    note = models.CharField(max_length=500, db_default="")
    silenced_at = models.DateTimeField(null=True)
    silenced_until = models.DateTimeField(null=True)
    silenced_by = models.CharField(max_length=200, db_default="")
    silence_reason = models.CharField(max_length=500, db_default="")
    resolved_at = models.DateTimeField(null=True)
    resolved_by = models.CharField(max_length=200, db_default="")
    resolution = models.CharField(max_length=500, db_default="")
    cause = models.ForeignKey(
        "self", models.SET_NULL, null=True, db_index=False, related_name="grouped"
    )
    because = models.CharField(max_length=500, db_default="")

    class Meta:
        ordering = ("-first_seen_at", "-id")
        constraints = (
            models.UniqueConstraint(
                fields=("fingerprint",),
                name="alerts_alert_unresolved_once",
                condition=models.Q(resolved_at=None),
            ),
        )
        indexes = (
            models.Index(fields=("-first_seen_at", "-id"), name="alerts_alert_newest"),
            models.Index(
                fields=("-first_seen_at", "-id"),
                name="alerts_alert_unresolved",
                condition=models.Q(resolved_at=None),
            ),
            models.Index(fields=("fingerprint", "-first_seen_at"), name="alerts_alert_history"),
            models.Index(fields=("resolved_at",), name="alerts_alert_resolved"),
            models.Index(
                fields=("cause",),
                name="alerts_alert_effects",
                condition=models.Q(cause__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return self.title
