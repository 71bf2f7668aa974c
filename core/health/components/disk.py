"""The folders of the instance: there, writable, with room."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.conf import settings

from core.health import checks
from core.health.checks import Figures, Unhealthy, Warn

GIB = 2**30
MIB = 2**20
LOW = (0.10, 5 * GIB)  # whichever is less: a tenth of a large disk is plenty
OUT = (0.02, GIB // 2)
UNMEASURED = {"free_mb": 0.0, "total_mb": 0.0, "free_percent": 0.0}


@checks.component("disk")
def summary(figures: Mapping[str, Figures]) -> dict[str, Any]:
    return {name: dict(figures[name]) for name in ("data", "backups")}


@checks.register(component="disk", name="data", cadence=10.0, deadline=2.0, unmeasured=UNMEASURED)
def data() -> Figures:
    """Free space for the instance's data."""
    folder = Path(settings.DATA_DIR)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise Unhealthy(f"{folder} is missing or can't be written to")
    return space(folder)


@checks.register(
    component="disk", name="backups", cadence=10.0, deadline=2.0, unmeasured=UNMEASURED
)
def backups() -> Figures:
    """Free space where backups go; the folder may not have been made yet."""
    folder = Path(settings.BACKUP_DIR)
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return space(folder)


def space(folder: Path) -> Figures:
    """Raises Unhealthy or Warn when little or very little is free."""
    usage = shutil.disk_usage(folder)
    share = usage.free / usage.total if usage.total else 0.0
    figures = {
        "free_mb": round(usage.free / MIB, 1),
        "total_mb": round(usage.total / MIB, 1),
        "free_percent": round(share * 100, 2),
    }
    said = f"{usage.free / GIB:.1f} GiB ({share:.1%}) free in {folder}"
    if usage.free < _limit(usage.total, OUT):
        raise Unhealthy(f"only {said}", **figures)
    if usage.free < _limit(usage.total, LOW):
        raise Warn(f"only {said}", **figures)
    return figures


def _limit(total: int, threshold: tuple[float, int]) -> float:
    share, size = threshold
    return min(share * total, size)
