"""How each component stands, for the whole instance and across restarts."""

from __future__ import annotations

from django.db import models


class ComponentStatus(models.Model):
    """The status a component was last seen to change to, by whichever process saw it first.

    `untold`: it is not well, and nobody was alerted yet, for somebody meant it to be so.
    """

    component = models.CharField(max_length=100, primary_key=True)
    status = models.CharField(max_length=20)
    reason = models.TextField(blank=True, default="")
    since = models.DateTimeField()
    untold = models.BooleanField(db_default=False)

    class Meta:
        verbose_name_plural = "component statuses"

    def __str__(self) -> str:
        return f"{self.component}: {self.status}"
