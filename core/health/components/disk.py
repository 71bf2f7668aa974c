"""The folders of the instance: there, writable, with room."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from django.conf import settings
from pydantic import Field, StringConstraints

from core import options
from core.health import checks
from core.health.checks import Figures, Unhealthy, Warn

GIB = 2**30
MIB = 2**20

# Whichever is less counts: a tenth of a large disk is plenty.
LOW_PERCENT = options.declare(
    "health.disk_low_percent", Annotated[float, Field(ge=5, le=90)], default=10.0, unit="%",
    help="The disk is degraded when both less than this share of it and less than"
    " health.disk_low_gib is free.",
)  # fmt: skip
LOW_GIB = options.declare(
    "health.disk_low_gib", Annotated[float, Field(ge=1, le=100_000)], default=5.0, unit="GiB",
    help="The disk is degraded when both less than this and less than"
    " health.disk_low_percent of it is free.",
)  # fmt: skip
OUT_PERCENT = options.declare(
    "health.disk_out_percent", Annotated[float, Field(ge=0.1, le=5)], default=2.0, unit="%",
    help="The disk is unhealthy when both less than this share of it and less than"
    " health.disk_out_gib is free.",
)  # fmt: skip
OUT_GIB = options.declare(
    "health.disk_out_gib", Annotated[float, Field(ge=0.1, le=1)], default=0.5, unit="GiB",
    help="The disk is unhealthy when both less than this and less than"
    " health.disk_out_percent of it is free.",
)  # fmt: skip

options.section("backup", title="Backups")
DIRECTORY = options.declare(
    "backup.directory", Annotated[str, StringConstraints(pattern=r"^/[^\x00]*$", max_length=1000)],
    default=str(Path(settings.DATA_DIR) / "backups"),
    help="The folder for backups, as an absolute path, best on another disk than the data. Its"
    " free space is watched.",
)  # fmt: skip
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
    folder = Path(DIRECTORY.value)
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
    if usage.free < min(usage.total * OUT_PERCENT.value / 100, OUT_GIB.value * GIB):
        raise Unhealthy(f"only {said}", **figures)
    if usage.free < min(usage.total * LOW_PERCENT.value / 100, LOW_GIB.value * GIB):
        raise Warn(f"only {said}", **figures)
    return figures
