"""A process of the instance that begins as the real ones do, and says which checks it has.

    python -m tests.plugins.program ROLE [--fork]

See `tests.processes.program`.
"""

from __future__ import annotations

import os
from typing import Any

from tests.processes import program

from core.health import checks  # isort: skip
from core.processes import control  # isort: skip
from nexus import beginning  # isort: skip


@control.handler("test.checks")
def tell(payload: dict[str, Any]) -> dict[str, Any]:
    return {"pid": os.getpid(), "checks": checks.registry.names()}


if __name__ == "__main__":
    beginning.begin()
    program.main()
