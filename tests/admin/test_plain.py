"""Unfold is a dress: without it, Django's own admin does the same work."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
SCREENS = (
    "test_tasks.py", "test_alerts.py", "test_keys.py", "test_audit.py", "test_people.py",
    "test_configuration.py", "test_configuration_change.py",
    "test_configuration_secrets.py", "test_configuration_history.py",
    "test_metrics.py", "test_metric_rules.py",
)  # fmt: skip


def test_the_screens_work_without_unfold():
    environ = {name: value for name, value in os.environ.items() if "PYTEST" not in name}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    screens = [str(HERE / name) for name in SCREENS]
    run = subprocess.run(
        [*command, "--ds=tests.admin.plain_settings", *screens],
        env=environ, cwd=HERE.parent.parent, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout[-3000:]
