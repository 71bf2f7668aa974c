"""The cache of this instance, in this process: that of Django's `default` alias."""

from __future__ import annotations

from django.core.cache import caches

from core.cache.levels import Levels


def levels() -> Levels:
    found: Levels = caches["default"].levels  # type: ignore[attr-defined]
    return found
