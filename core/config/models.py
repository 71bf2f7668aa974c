"""What operators have set, every change they made, and the changes that are being watched."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class ConfigEntry(models.Model):
    """The override of one option: its value, or for a secret the ciphertext of that.

    A row may outlive its option, such as that of a plugin that is away.
    """

    key = models.CharField(max_length=200, primary_key=True)
    value = models.JSONField(null=True)
    ciphertext = models.TextField(blank=True, default="")
    revision = models.PositiveBigIntegerField()
    changed_at = models.DateTimeField(db_default=Now())
    changed_by = models.CharField(max_length=200)

    class Meta:
        verbose_name = "override"
        constraints = [
            models.CheckConstraint(
                condition=Q(Q(value__isnull=True), ~Q(ciphertext=""))
                | Q(value__isnull=False, ciphertext=""),
                name="config_entry_value_or_ciphertext",
            ),
        ]

    def __str__(self) -> str:
        return self.key


class ConfigRevision(models.Model):
    """One change, of any number of keys at once. Numbers have no gaps; at 0 nothing was set.

    `changes` has for each key the override `before` and `after`, as `Override.document` writes
    it, null where there is none. `rolled_back_to` is the revision whose state this one brought
    back, `reverted` the one whose changes it took back.
    """

    number = models.PositiveBigIntegerField(primary_key=True)
    actor_kind = models.CharField(max_length=20)
    actor_id = models.CharField(max_length=64)
    actor_name = models.CharField(max_length=200)
    reason = models.CharField(max_length=500, blank=True, default="")
    request_id = models.CharField(max_length=128, blank=True, default="")
    created_at = models.DateTimeField(db_default=Now())
    changes = models.JSONField()
    rolled_back_to = models.PositiveBigIntegerField(null=True, blank=True)
    reverted = models.PositiveBigIntegerField(null=True, blank=True)

    class Meta:
        verbose_name = "revision"

    def __str__(self) -> str:
        return f"revision {self.number}"


class WatchState(models.TextChoices):
    WATCHING = "watching"
    KEPT = "kept"
    REVERTED = "reverted"


class ConfigWatch(models.Model):
    """A revision that is taken back by itself when a component turns unhealthy until `until`.

    `components` are the critical ones that were healthy before the change.
    """

    revision = models.OneToOneField(
        ConfigRevision, on_delete=models.CASCADE, primary_key=True, related_name="watch"
    )
    until = models.DateTimeField()
    components = ArrayField(models.CharField(max_length=100))
    state = models.CharField(max_length=10, choices=WatchState.choices, default=WatchState.WATCHING)
    ended_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=500, blank=True, default="")
    reverted_by = models.PositiveBigIntegerField(null=True, blank=True)

    class Meta:
        verbose_name = "watch"
        verbose_name_plural = "watches"
        constraints = [
            models.UniqueConstraint(
                fields=["state"], condition=Q(state="watching"), name="config_watch_one_at_a_time"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.revision_id}: {self.state}"
