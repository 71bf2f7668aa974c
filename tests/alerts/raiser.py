"""A process that raises one alert many times, as soon as its stdin ends.

python -m tests.alerts.raiser TIMES
"""

from __future__ import annotations

import sys

import django

django.setup()

from django.db import connection  # noqa: E402

from core.alerts.operations import raise_alert  # noqa: E402


def main() -> None:
    connection.ensure_connection()
    print("ready", flush=True)  # noqa: T201
    sys.stdin.read()
    for _ in range(int(sys.argv[1])):
        raise_alert(
            fingerprint="test.storm", source="test", severity="warning", title="Storm", message=""
        )


if __name__ == "__main__":
    main()
