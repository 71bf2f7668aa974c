"""What operators decided about plugins; what is found on disk is in no table."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now


class PluginState(models.Model):
    """Whether a plugin may be used. One without a row may."""

    id = models.CharField(primary_key=True, max_length=100)
    enabled = models.BooleanField(default=True)
    changed_at = models.DateTimeField(db_default=Now())
    changed_by = models.CharField(max_length=200)

    class Meta:
        verbose_name = "plugin"

    def __str__(self) -> str:
        return self.id
