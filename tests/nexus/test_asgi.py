"""The module that granian loads before it forks its workers."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys
import nexus.asgi
print(*(name for name in sys.modules if name.endswith(".api")))
"""


def test_every_view_is_loaded_before_the_first_request():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.split())
    assert {"core.health.api", "core.access.api", "tasks.api"} <= loaded
