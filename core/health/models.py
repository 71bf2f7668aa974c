"""How each component stands, for the whole instance and across restarts."""

from __future__ import annotations

from django.db import models


class ComponentStatus(models.Model):
    """The status a component was last seen to change to, by whichever process saw it first."""

    component = models.CharField(max_length=100, primary_key=True)
    status = models.CharField(max_length=20)
    reason = models.TextField(blank=True, default="")
    since = models.DateTimeField()

    class Meta:
        verbose_name_plural = "component statuses"

    def __str__(self) -> str:
        return f"{self.component}: {self.status}"
