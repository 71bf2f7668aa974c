"""What may be deleted when: rules that each app registers and one job carries out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection
from django.db.models import CompositePrimaryKey, IntegerField, Model, QuerySet
from django.db.models.expressions import RawSQL
from django.db.models.functions import Now

from core.registry import Registry

BATCH = 1000

Expired = Callable[[], QuerySet[Any]]


@dataclass(frozen=True)
class Deleted:
    """`size` is the bytes that the rows took in their table, as stored, without indexes."""

    rows: int
    size: int


@dataclass(frozen=True)
class Rule:
    """`expired` gives the rows that may go."""

    name: str
    expired: Expired

    @property
    def table(self) -> str:
        return self.expired().model._meta.db_table

    def delete_batch(self) -> Deleted:
        """Delete up to a batch of rows, with those that depend on them. What it returns counts
        the rule's own rows; 0 rows mean that nothing is left to do."""
        size = RawSQL(f'pg_column_size("{self.table}".*)', [], IntegerField())  # noqa: S611
        found = dict(
            self.expired().order_by().annotate(size=size).values_list("pk", "size")[:BATCH]
        )
        if found:
            _delete(self.expired().model, list(found))
        return Deleted(rows=len(found), size=sum(found.values()))


def _delete(model: type[Model], keys: list[Any]) -> None:
    if not isinstance(model._meta.pk, CompositePrimaryKey):
        model._default_manager.filter(pk__in=keys).delete()
        return
    # Django asks for each of a thousand rows in turn: (a = 1 AND b = 2) OR …, which takes ten
    # times as long. Nothing can refer to such a row.
    quote = connection.ops.quote_name
    fields = model._meta.pk_fields
    columns = ", ".join(quote(str(field.column)) for field in fields)
    given = ", ".join(f"%s::{field.db_type(connection)}[]" for field in fields)
    statement = (
        f"DELETE FROM {quote(model._meta.db_table)}"  # noqa: S608 - names of the model
        f" WHERE ({columns}) IN (SELECT * FROM unnest({given}))"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [list(column) for column in zip(*keys, strict=True)])


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
