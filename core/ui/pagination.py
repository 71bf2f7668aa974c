"""Counting that doesn't read a table of millions to draw a page."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.core.paginator import Paginator

LIMIT = 10_000


class CappedPaginator(Paginator):
    """Counts rows up to `LIMIT`; who looks for older ones uses a filter or the search."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return rows.order_by()[:LIMIT].count() if hasattr(rows, "query") else len(rows)

    @property
    def capped(self) -> bool:
        return self.count >= LIMIT
