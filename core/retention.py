"""What may be deleted when: rules that each app registers and one job carries out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.db.models.functions import Now

from core.registry import Registry

BATCH = 1000

Expired = Callable[[], QuerySet[Any]]


@dataclass(frozen=True)
class Rule:
    """`expired` gives the rows that may go."""

    name: str
    expired: Expired

    @property
    def table(self) -> str:
        return self.expired().model._meta.db_table

    def delete_batch(self) -> int:
        """Delete up to a batch of rows, with those that depend on them; returns how many of
        the rule's own were deleted. 0 means that nothing is left to do."""
        keys = list(self.expired().order_by().values_list("pk", flat=True)[:BATCH])
        if keys:
            self.expired().model._default_manager.filter(pk__in=keys).delete()
        return len(keys)


rules: Registry[Rule] = Registry("retention rule")


def register(name: str) -> Callable[[Expired], Expired]:
    """Decorator of a function that returns the queryset of the rows that may be deleted."""

    def add(expired: Expired) -> Expired:
        rules.add(name, Rule(name, expired))
        return expired

    return add


def older_than(queryset: QuerySet[Any], field: str, age: timedelta) -> QuerySet[Any]:
    """The rows whose time in `field` is `age` ago, by the clock of the database."""
    return queryset.filter(**{f"{field}__lt": Now() - age})
