"""A process of the instance that records what it is told to.

    python -m tests.metrics.program ROLE [--fork]

See `tests.processes.program`. It ends in order at SIGTERM too.
"""

from __future__ import annotations

import signal
import sys
from typing import Any

from tests.processes import program

from core.config import loading  # isort: skip
from core.metrics import sampling  # isort: skip
from core.processes import control  # isort: skip
from tests.metrics.recorded import GROWTH, LEVEL  # isort: skip


@control.handler("test.record")
def record(payload: dict[str, Any]) -> dict[str, Any]:
    for _ in range(payload["times"]):
        GROWTH.add(1, "told")
    return {"times": payload["times"]}


@sampling.register("test.node", of_node=True)
def of_node(seconds: float) -> None:
    LEVEL.set(1, "node", seconds=seconds)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    loading.begin()
    program.main()
