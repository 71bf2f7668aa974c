"""The data folder: can it be written, how quickly, and at what sustained rate."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any, BinaryIO

from django.conf import settings
from pydantic import Field

from core import options
from core.health import diagnostics
from core.health.checks import Unhealthy
from core.health.diagnostics import Context
from services.diagnostics.limits import STRESS_TIME
from services.diagnostics.measuring import repeat

MIB = 2**20
SYNCS = 100
PERFORMANCE_SECONDS = 2.0
STRESS_MIB = options.declare(
    "diagnostics.stress_disk_mib", Annotated[int, Field(ge=1, le=4096)], default=128, unit="MiB",
    help="How much a stress test of the disk writes at most. It is gone afterwards.",
)  # fmt: skip
SPARE_MIB = options.declare(
    "diagnostics.spare_disk_mib", Annotated[int, Field(ge=64, le=10_000_000)],
    default=512, unit="MiB",
    help="How much a stress test of the disk leaves free. With less it does not start.",
)  # fmt: skip


def _file() -> BinaryIO:
    """A file without a name where the system has such: it can't be left behind."""
    return tempfile.TemporaryFile(dir=_folder(), prefix=".diagnostics-")


def _folder() -> Path:
    return Path(settings.DATA_DIR)


@diagnostics.register("disk", "connectivity")
def connectivity(context: Context) -> dict[str, Any]:
    """A few bytes written, forced to the disk and read back."""
    began = time.perf_counter()
    with _file() as file:
        _write(file, b"nexus")
        file.seek(0)
        if file.read() != b"nexus":
            raise Unhealthy(f"{_folder()} does not give back what is written there")
    return {
        "message": f"Wrote to {_folder()} and read it back",
        "write_ms": round((time.perf_counter() - began) * 1000, 3),
    }


@diagnostics.register("disk", "performance", lead="avg_sync_ms")
def performance(context: Context) -> dict[str, Any]:
    """8 KiB appended and forced to the disk, again and again, as a database does."""
    block = os.urandom(8192)
    with _file() as file:
        sample = repeat(
            lambda: _write(file, block),
            context=context,
            seconds=PERFORMANCE_SECONDS,
            at_most=SYNCS,
        )
    return {
        "avg_sync_ms": sample.mean_ms,
        "p95_sync_ms": sample.percentile_ms(95),
        "syncs_per_second": sample.per_second,
        "syncs": len(sample.durations_ms),
    }


@diagnostics.register("disk", "stress", lead="write_mb_per_second", better="higher", seconds=30.0)
def stress(context: Context) -> dict[str, Any]:
    """Some MiB written, forced to the disk in steps and read back; then gone."""
    usage = os.statvfs(_folder())
    free = usage.f_bavail * usage.f_frsize
    most, needed = STRESS_MIB.value, (STRESS_MIB.value + SPARE_MIB.value) * MIB
    if free < needed:
        raise Unhealthy(
            f"not started: {free / MIB:.0f} MiB are free and {needed / MIB:.0f} MiB are needed",
            free_mb=round(free / MIB, 1),
        )
    block = os.urandom(MIB)
    with _file() as file:
        written = repeat(
            lambda: _write(file, block),
            context=context,
            seconds=STRESS_TIME.value,
            at_most=most,
        )
        file.seek(0)
        _forget_pages(file)
        began = time.perf_counter()
        size = sum(len(part) for part in iter(lambda: file.read(MIB), b""))
        reading = time.perf_counter() - began
    if size != len(written.durations_ms) * MIB:
        raise Unhealthy("the file is not as long as what was written to it", read_bytes=size)
    return {
        "written_mb": size // MIB,
        "write_mb_per_second": written.per_second,
        "p99_write_ms": written.percentile_ms(99),
        "read_mb_per_second": round(size / MIB / reading, 1),
    }


def _forget_pages(file: BinaryIO) -> None:
    """Let the reads come from the disk rather than from memory, where the system can be asked."""
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _write(file: BinaryIO, block: bytes) -> None:
    file.write(block)
    file.flush()
    os.fsync(file.fileno())
