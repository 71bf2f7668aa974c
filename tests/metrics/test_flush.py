"""What is written of what was recorded: all of it, each value once, in its own minute."""

from __future__ import annotations

from contextlib import contextmanager

import pytest

from core.metrics import flushing, instruments
from core.metrics import recorder as recording
from core.metrics.histogram import decode
from core.metrics.models import LabelSet, Minute

pytestmark = pytest.mark.django_db(transaction=True)

SECONDS = instruments.histogram("test_seconds", unit="s", labels=("kind", "place"), help="Test.")
PLAIN = instruments.histogram("test_plain_seconds", unit="s", help="Test.")
GROWTH = instruments.counter("test_growth", labels=("kind",), help="Test.")
LEVEL = instruments.gauge("test_level", unit="bytes", labels=("kind",), help="Test.")
SHARE = instruments.gauge("test_share", unit="percent", labels=("kind",), adds_up=False, help="T.")


def rows(instrument: instruments.Instrument, **labels: str) -> list[Minute]:
    found = Minute.objects.filter(label_set__instrument=instrument.name, label_set__labels=labels)
    return list(found.order_by("at"))


def row(instrument: instruments.Instrument, **labels: str) -> Minute:
    [one] = rows(instrument, **labels)
    return one


@contextmanager
def at(monkeypatch, moment: float):
    """Within the block the recorder's clock stands at `moment`."""
    with monkeypatch.context() as patch:
        patch.setattr(recording, "time", lambda: moment)
        yield


def test_a_flush_writes_each_set_of_labels_and_the_total_of_all():
    for _ in range(3):
        SECONDS.record(0.5, "a", "x")
    SECONDS.record(2.0, "b", "y", exemplar="req_2")
    GROWTH.add(2, "a")
    GROWTH.add(5, "b")
    assert flushing.flush() is False

    first, total = row(SECONDS, kind="a", place="x"), row(SECONDS)
    assert (first.count, first.sum, first.low, first.high) == (3, 1.5, 0.5, 0.5)
    assert sum(decode(first.buckets).values()) == 3
    assert (total.count, total.sum, total.low, total.high) == (4, 3.5, 0.5, 2.0)
    assert sorted(decode(total.buckets).values()) == [1, 3]
    assert total.exemplar["id"] == "req_2"
    assert (row(GROWTH).count, row(GROWTH).sum) == (2, 7)
    assert LabelSet.objects.get(instrument=SECONDS.name, labels={}).kind == "histogram"


def test_an_instrument_without_labels_is_written_once():
    PLAIN.record(1.0)
    flushing.flush()
    assert row(PLAIN).count == 1
