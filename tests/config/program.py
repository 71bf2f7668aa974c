"""A process of the instance that says which value of an option it uses.

    python -m tests.config.program ROLE [--fork]

It starts as the real ones do; see `tests.processes.program`.
"""

from __future__ import annotations

from typing import Any

from tests.processes import program

from core import options  # isort: skip
from core.config import loading  # isort: skip
from core.processes import control  # isort: skip

LIMIT = options.declare("test.limit", int, default=1, help="For a test.")


@control.handler("test.limit")
def tell(payload: dict[str, Any]) -> dict[str, Any]:
    return {"limit": LIMIT.value}


if __name__ == "__main__":
    loading.begin()
    program.main()
