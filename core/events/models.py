"""Facts in the past tense, and their way to each subscriber."""

from __future__ import annotations

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models.functions import Now

from core import ids


class Event(models.Model):
    """Something that has happened, written in the transaction that made it true.

    `remaining` deliveries are neither delivered nor failed yet. `processed_at` is set once
    there are none and the event has been added to the count of processed events.
    """

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    name = models.CharField(max_length=100)
    subject = models.CharField(max_length=200)
    payload = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    actor = models.CharField(max_length=200, blank=True, default="")
    request_id = models.CharField(max_length=128, blank=True, default="")
    created_at = models.DateTimeField(db_default=Now())
    remaining = models.PositiveSmallIntegerField(default=0)
    processed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["created_at", "id"], name="events_event_created"),
            models.Index(fields=["name", "created_at", "id"], name="events_event_name"),
            models.Index(fields=["subject", "created_at", "id"], name="events_event_subject"),
            models.Index(
                fields=["remaining", "created_at"],
                name="events_event_queue",
                condition=models.Q(processed_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.subject}"


class Status(models.TextChoices):
    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class Delivery(models.Model):
    """The way of one event to one subscriber. `attempts` counts those begun."""

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="deliveries")
    subscriber = models.CharField(max_length=100)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(db_default=Now())
    last_error = models.TextField(blank=True, default="")
    delivered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(fields=["event", "subscriber"], name="events_delivery_once"),
        ]
        indexes = [
            models.Index(
                fields=["next_attempt_at", "id"],
                name="events_delivery_due",
                condition=models.Q(status=Status.PENDING),
            ),
            models.Index(
                fields=["subscriber"],
                name="events_delivery_failed",
                condition=models.Q(status=Status.FAILED),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subscriber}: {self.status}"


class Counter(models.Model):
    """A running total that outlives the rows it counted."""

    name = models.CharField(max_length=50, primary_key=True)
    value = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.name}: {self.value}"
