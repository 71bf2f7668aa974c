"""A flush fails, is repeated, or comes late: nothing is counted twice, and little is lost."""

from __future__ import annotations

from random import Random

import pytest
from django.db import OperationalError

from core.metrics import flushing, instruments
from core.metrics.models import LabelSet, Minute, Source
from core.metrics.recorder import recorder
from tests.metrics.recorded import DURATION, PLAIN, clock, count, minute, moment, row, rows

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("standing_clock"),
]


def test_a_flush_whose_answer_was_lost_is_repeated_without_counting_twice(monkeypatch):
    real = flushing.write

    def lost(rows, *, until):
        real(rows, until=until)
        raise OperationalError("the connection is closed")

    DURATION.record(1.0, "a", "x")
    monkeypatch.setattr(flushing, "write", lost)
    with pytest.raises(OperationalError):
        flushing.flush()
    monkeypatch.setattr(flushing, "write", real)
    DURATION.record(1.0, "a", "x")
    flushing.flush()
    assert count(DURATION) == count(DURATION, kind="a", place="x") == 2


def test_a_flush_that_comes_late_takes_nothing_away(monkeypatch):
    """It was on its way when a later one passed it."""
    late = []
    with monkeypatch.context() as patch:
        patch.setattr(flushing, "write", lambda rows, *, until: late.append((rows, until)))
        PLAIN.record(1.0)
        flushing.flush()
    PLAIN.record(3.0)
    flushing.flush()
    [(old, until_then)] = late
    flushing.write(old, until=until_then)
    assert (row(PLAIN).count, row(PLAIN).high) == (2, 3.0)
    assert Source.objects.get().flushed_until > until_then


def test_minutes_are_kept_while_the_database_is_away_and_written_to_their_own(monkeypatch):
    def away(*args, **kwargs):
        raise OperationalError("the database is away")

    with monkeypatch.context() as patch:
        patch.setattr(flushing, "write", away)
        for ago in (7, 6, 0):
            with clock(monkeypatch, minute(ago)):
                DURATION.record(1.0, "a", "x")
                DURATION.record(1.0, "a", "x")
            with pytest.raises(OperationalError):
                flushing.flush()
    flushing.flush()
    assert [(each.at, each.count) for each in rows(DURATION)] == [
        (moment(minute(ago)), 2) for ago in (7, 6, 0)
    ]
    assert recorder.snapshot() == []


def test_a_long_backlog_is_written_in_several_statements(monkeypatch):
    monkeypatch.setattr(flushing, "MOST_ROWS", 5)
    for ago in (4, 3, 2, 1):
        with clock(monkeypatch, minute(ago)):
            DURATION.record(1.0, "a", "x")  # two rows a minute
    assert flushing.flush() is True
    assert count(DURATION) == 2
    assert Source.objects.get().flushed_until == moment(minute(2))  # nothing is told of later
    assert flushing.flush() is False
    assert count(DURATION) == 4
    assert Source.objects.get().flushed_until > moment(minute(1))


def test_minutes_too_old_to_be_kept_are_given_up(monkeypatch, caplog):
    with clock(monkeypatch, minute(60 * 49)):
        PLAIN.record(1.0)
    PLAIN.record(1.0)
    flushing.flush()
    assert [each.at for each in rows(PLAIN)] == [moment(minute())]
    assert "1 minutes of metrics could not be written in time" in caplog.text
    assert recorder.snapshot() == []


def test_minutes_of_a_day_the_database_no_longer_keeps_hold_nothing_up(monkeypatch, caplog):
    """The clock of the node may say otherwise."""
    monkeypatch.setattr(flushing, "_kept", lambda minutes, now: minutes)
    with clock(monkeypatch, minute(60 * 24 * 5)):
        PLAIN.record(1.0)
    PLAIN.record(1.0)
    flushing.flush()
    assert count(PLAIN) == 1
    assert "are of days that are no longer kept" in caplog.text
    assert recorder.snapshot() == []


def test_after_the_clock_was_set_back_the_minutes_before_keep_what_they_had(monkeypatch):
    now = minute()
    with clock(monkeypatch, now):
        PLAIN.record(1.0)
        PLAIN.record(1.0)
    flushing.flush()
    with clock(monkeypatch, now - 3600):
        PLAIN.record(1.0)
    with clock(monkeypatch, now):
        PLAIN.record(1.0)
    flushing.flush()
    assert [(each.at, each.count) for each in rows(PLAIN)] == [
        (moment(now - 3600), 1), (moment(now), 2), (moment(now), 1),
    ]  # fmt: skip
    assert Source.objects.count() == 2


def test_another_database_gets_its_own_label_sets(monkeypatch):
    """After a restore, say: nothing is remembered of the one before."""
    PLAIN.record(1.0)
    flushing.flush()
    for model in (Minute, LabelSet, Source):
        model.objects.all().delete()
    PLAIN.record(1.0)
    flushing.flush()
    assert count(PLAIN) == 2


def test_what_an_instrument_that_is_gone_has_recorded_holds_nothing_up():
    gone = instruments.counter("test_gone", labels=("kind",), help="For a test.")
    gone.add(1, "a")
    instruments.registry.remove("test_gone")
    PLAIN.record(1.0)
    flushing.flush()
    assert count(PLAIN) == 1
    assert not LabelSet.objects.filter(instrument="test_gone").exists()
    assert recorder.snapshot() == []


def test_labels_of_any_length_and_script_hold_nothing_up():
    """All labels of a set together have to fit into a page of an index."""
    labels = tuple(f"label_{number}" for number in range(8))
    several = instruments.counter("test_lengthy", labels=labels, help="For a test.")
    chance = Random(1)
    texts = ["".join(chr(chance.randrange(0x1F300, 0x1F600)) for _ in range(300)) for _ in labels]
    try:
        several.add(1, *texts)
        PLAIN.record(1.0)
        flushing.flush()
    finally:
        instruments.registry.remove("test_lengthy")
    [written] = LabelSet.objects.filter(instrument="test_lengthy").exclude(labels={})
    for label, text in zip(labels, texts, strict=True):
        assert text.startswith(written.labels[label])
        assert len(written.labels[label]) > 40
    assert count(PLAIN) == 1
