"""What psutil tells of this process and of its node."""

from __future__ import annotations

from time import process_time

import psutil
from django.conf import settings

from core.metrics import sampling, standard
from core.processes import runtime


class Growth:
    """How fast a number grows that the system counts."""

    def __init__(self) -> None:
        self._before = 0.0

    def per_second(self, number: float, seconds: float) -> float:
        """Since the last call; 0 at the first, and when the system has begun anew."""
        grown, self._before = number - self._before, number
        return max(grown / seconds, 0.0) if seconds else 0.0


_processor = Growth()
_received, _sent = Growth(), Growth()
_read, _written = Growth(), Growth()


@sampling.register("process")
def process(seconds: float) -> None:
    identity = runtime.identity()
    role = identity.role if identity else "command"
    used = _processor.per_second(process_time(), seconds)
    standard.PROCESS_CPU.set(used * 100, role, seconds=seconds)
    standard.PROCESS_MEMORY.set(memory(), role, seconds=seconds)


def memory() -> int:
    """Bytes of this process, its part of what it shares with others only, where that is told."""
    itself = psutil.Process()
    try:
        return int(itself.memory_full_info().pss)
    except (AttributeError, psutil.AccessDenied):
        return int(itself.memory_info().rss)


@sampling.register("node.processors", of_node=True)
def processors(seconds: float) -> None:
    standard.NODE_CPU.set(psutil.cpu_percent(), seconds=seconds)


@sampling.register("node.memory", of_node=True)
def node_memory(seconds: float) -> None:
    told = psutil.virtual_memory()
    standard.NODE_MEMORY.set(told.total - told.available, seconds=seconds)


@sampling.register("node.disk", of_node=True)
def disk(seconds: float) -> None:
    told = psutil.disk_usage(str(settings.DATA_DIR))
    standard.NODE_DISK_USED.set(told.used, seconds=seconds)
    standard.NODE_DISK_FREE.set(told.free, seconds=seconds)


@sampling.register("node.network", of_node=True)
def network(seconds: float) -> None:
    told = psutil.net_io_counters(pernic=True)
    counters = [each for name, each in told.items() if not name.startswith("lo")]
    received = sum(each.bytes_recv for each in counters)
    sent = sum(each.bytes_sent for each in counters)
    standard.NODE_RECEIVED.set(_received.per_second(received, seconds), seconds=seconds)
    standard.NODE_SENT.set(_sent.per_second(sent, seconds), seconds=seconds)


@sampling.register("node.disks", of_node=True)
def disks(seconds: float) -> None:
    """Some containers are told of no disk."""
    if told := psutil.disk_io_counters():
        standard.NODE_READ.set(_read.per_second(told.read_bytes, seconds), seconds=seconds)
        standard.NODE_WRITTEN.set(_written.per_second(told.write_bytes, seconds), seconds=seconds)
