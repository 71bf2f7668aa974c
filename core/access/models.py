"""Keys, the audit log and remembered answers."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from core import ids


class ApiKey(models.Model):
    """A key of the API. Its secret is known to the holder alone; the row has the HMAC."""

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    name = models.CharField(max_length=100)
    key_id = models.CharField(max_length=12, unique=True, editable=False)
    digest = models.BinaryField(editable=False)
    pepper = models.PositiveSmallIntegerField(editable=False)
    previous_digest = models.BinaryField(null=True, editable=False)
    previous_pepper = models.PositiveSmallIntegerField(null=True, editable=False)
    previous_until = models.DateTimeField(null=True, editable=False)
    scopes = ArrayField(models.CharField(max_length=40))
    networks = ArrayField(models.CharField(max_length=50), default=list, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    created_by = models.CharField(max_length=200, editable=False)
    rotated_at = models.DateTimeField(null=True, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, editable=False)
    revoked_by = models.CharField(max_length=200, blank=True, editable=False)
    last_used_at = models.DateTimeField(null=True, editable=False)
    last_used_address = models.GenericIPAddressField(null=True, editable=False)

    class Meta:
        verbose_name = "API key"
        ordering = ("-created_at", "-id")
        indexes = (models.Index(fields=("-created_at", "-id"), name="access_key_newest"),)

    def __str__(self) -> str:
        return f"{self.name} ({ids.external('key', self.id)})"


class AuditEntry(models.Model):
    """Who did what to what, and how it ended. Rows are only ever added.

    `sequence` and `digest` are filled once, by the sealer: entries are numbered without gaps
    in the order of sealing, and each digest covers the entry and the digest before it.
    """

    id = models.BigAutoField(primary_key=True)
    time = models.DateTimeField(db_default=Now(), editable=False)
    actor_kind = models.CharField(max_length=20)
    actor_id = models.CharField(max_length=64)
    actor_name = models.CharField(max_length=200)
    action = models.CharField(max_length=100)
    target = models.CharField(max_length=300)
    details = models.JSONField(default=dict)
    outcome = models.CharField(max_length=20)
    request_id = models.CharField(max_length=128, blank=True)
    address = models.GenericIPAddressField(null=True)
    sequence = models.BigIntegerField(null=True, unique=True, editable=False)
    digest = models.BinaryField(null=True, editable=False)

    class Meta:
        verbose_name = "audit entry"
        verbose_name_plural = "audit entries"
        ordering = ("-time", "-id")
        indexes = (
            models.Index(fields=("-time", "-id"), name="access_audit_newest"),
            models.Index(fields=("target", "-time"), name="access_audit_target"),
            models.Index(fields=("action", "-time"), name="access_audit_action"),
            models.Index(
                fields=("id",), name="access_audit_open", condition=models.Q(sequence=None)
            ),
        )

    def __str__(self) -> str:
        return f"{self.actor_kind}:{self.actor_name} {self.action} {self.target}"


class IdempotentAnswer(models.Model):
    """The first answer to a POST with an Idempotency-Key; `status` is null while it runs."""

    id = models.BigAutoField(primary_key=True)
    actor = models.CharField(max_length=100)
    method = models.CharField(max_length=10)
    path = models.CharField(max_length=500)
    key = models.CharField(max_length=255)
    fingerprint = models.BinaryField()
    holder = models.UUIDField(default=ids.new)
    held_until = models.DateTimeField()
    created_at = models.DateTimeField(db_default=Now())
    status = models.PositiveSmallIntegerField(null=True)
    headers = models.JSONField(default=dict)
    body = models.BinaryField(default=bytes)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("actor", "method", "path", "key"), name="access_idempotent_once"
            ),
        )
        indexes = (models.Index(fields=("created_at",), name="access_idempotent_age"),)

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.key}"
