"""A series that rules can watch, and minutes of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from core import options
from core.access.actor import SYSTEM
from core.alerts.models import Alert
from core.config import operations as config
from core.metrics import instruments
from core.metrics.instruments import Kind
from core.metrics.models import RuleState, Source
from core.metrics.resolutions import MINUTE
from core.metrics.rules import evaluator
from tests.metrics import rows

INSTRUMENT = "test_load_percent"
SERIES = f"{INSTRUMENT}:mean"
RULE = {
    "series": SERIES,
    "condition": "above",
    "threshold": 80.0,
    "for_minutes": 3,
    "recovery": 70.0,
    "recover_minutes": 2,
    "severity": "critical",
    "description": "Too much of it.",
}


@contextmanager
def instrument(name: str = INSTRUMENT) -> Iterator[None]:
    """Declared within the block only, as by a plugin."""
    instruments.gauge(name, unit="percent", help="For a test.", adds_up=False)
    try:
        yield
    finally:
        instruments.registry.remove(name)


@contextmanager
def rules(**named: dict[str, Any]) -> Iterator[None]:
    """In the configuration, and in use in this process within the block."""
    config.change(values={"metrics.rules": named}, actor=SYSTEM)
    with options.replaced({"metrics.rules": named}):
        yield


def measure(values: Sequence[float | None], *, end: datetime, name: str = INSTRUMENT) -> None:
    """One value a minute up to the minute `end`, and all of it written."""
    label_set = rows.label_set(kind=Kind.MEAN_GAUGE, instrument=name)
    source = rows.source()
    rows.write(
        rows.minute(
            at=end - back * MINUTE.step, label_set=label_set, source=source,
            sum=60.0 * value, weight=60.0, low=value, high=value,
        )
        for back, value in enumerate(reversed(values))
        if value is not None
    )  # fmt: skip
    Source.objects.update(flushed_until=end + MINUTE.step)


def opened() -> list[Alert]:
    """The alerts that nobody has resolved."""
    return list(Alert.objects.filter(resolved_at=None).order_by("fingerprint"))


class Clock:
    """Makes the evaluator take `minute` for the newest one."""

    def __init__(self, monkeypatch) -> None:
        self.minute = rows.ago(minutes=90)
        monkeypatch.setattr(evaluator, "newest_minute", lambda: self.minute)

    def pass_with(self, *values: float | None) -> list[str]:
        """Let minutes pass in which these values are measured; the rule's state after each."""
        states = []
        for value in values:
            self.minute += MINUTE.step
            measure([value], end=self.minute)
            evaluator.evaluate()
            states.append(RuleState.objects.get(name="busy").state)
        return states
