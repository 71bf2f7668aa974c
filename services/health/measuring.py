"""How fast services answer and how often they fail, as metrics by the service's name."""

from __future__ import annotations

from core.metrics import instruments, series
from services.health.noting import Judged

SERVICE = "service"
MOST_SERVICES = 5_000  # that are told apart; the rest is counted as one
LATENCY = instruments.histogram(
    "service_latency_seconds", unit="s", labels=(SERVICE,), label_sets=MOST_SERVICES,
    help="How long services took to answer, as their probes measured it.",
)  # fmt: skip
FAILURES = instruments.counter(
    "service_probe_failures", labels=(SERVICE,), label_sets=MOST_SERVICES,
    help="Looks at services that failed.",
)  # fmt: skip
series.declare(
    "service_latency_ms", LATENCY, "mean", unit="ms", factor=1000, title="Latency of services"
)
series.declare(
    "service_error_percent", FAILURES, "ratio", unit="percent", factor=100, per=LATENCY,
    title="Failed looks at services",
)  # fmt: skip


def record(judged: Judged) -> None:
    """Not of a service that is down because somebody wanted it so."""
    if not judged.verdict.is_stopped:
        LATENCY.record(judged.look.latency_ms / 1000, judged.before.name)
        if judged.look.failed:
            FAILURES.add(1, judged.before.name)
