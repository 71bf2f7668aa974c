"""Instruments to record with, and what has become of it in the database."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from core.metrics import instruments
from core.metrics import recorder as recording
from core.metrics.instruments import Instrument
from core.metrics.models import Minute

DURATION = instruments.histogram(
    "test_recorded_seconds", unit="s", labels=("kind", "place"), help="For tests."
)
PLAIN = instruments.histogram("test_plain_seconds", unit="s", help="For tests.")
GROWTH = instruments.counter("test_growth", labels=("kind",), help="For tests.")
LEVEL = instruments.gauge("test_level_bytes", unit="bytes", labels=("kind",), help="For tests.")
SHARE = instruments.gauge(
    "test_level_percent", unit="percent", labels=("kind",), adds_up=False, help="For tests."
)


def rows(instrument: Instrument, **labels: str) -> list[Minute]:
    """The minutes of one set of labels, of all processes."""
    found = Minute.objects.filter(label_set__instrument=instrument.name, label_set__labels=labels)
    return list(found.order_by("at", "source_id"))


def row(instrument: Instrument, **labels: str) -> Minute:
    [only] = rows(instrument, **labels)
    return only


def count(instrument: Instrument, **labels: str) -> int:
    return sum(each.count for each in rows(instrument, **labels))


@contextmanager
def clock(monkeypatch, moment: float) -> Iterator[None]:
    """Within the block it is `moment`, seconds since 1970, for who records."""
    with monkeypatch.context() as patch:
        patch.setattr(recording, "time", lambda: moment)
        yield


def minute(ago: int = 0) -> int:
    """The start of a minute, so many minutes ago."""
    return int(time.time()) // 60 * 60 - ago * 60


def moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
