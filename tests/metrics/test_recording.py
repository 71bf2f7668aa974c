"""Recording: exact under threads, bounded in memory, each value in the minute it was seen in."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from fractions import Fraction

import pytest

from core import options
from core.metrics import instruments
from core.metrics import recorder as recording
from core.metrics.recorder import OTHER, Recorder, recorder
from tests.metrics.recorded import DURATION, GROWTH, LEVEL, PLAIN, clock

NOON = 1_800_000_000 // 60 * 60
THREADS, EACH = 8, 5000


def cells(from_: Recorder = recorder) -> dict:
    """What was recorded and isn't written, over all minutes, by instrument and labels."""
    found: dict = {}
    for minute in from_.snapshot():
        for key, cell in minute.cells.items():
            found.setdefault(key, []).append(cell)
    return found


def counts() -> dict:
    return {key: sum(cell.count for cell in each) for key, each in cells().items()}


def test_counts_are_exact_under_threads():
    start = threading.Barrier(THREADS)

    def work(number: int) -> None:
        start.wait()
        for _ in range(EACH):
            DURATION.record(0.25, "shared", "x")
            GROWTH.add(2, str(number))

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(work, range(THREADS)))
    found = cells()
    [shared] = found[DURATION.name, ("shared", "x")]
    assert (shared.count, shared.sum) == (THREADS * EACH, THREADS * EACH * 0.25)
    assert sum(shared.buckets.values()) == THREADS * EACH
    for number in range(THREADS):
        [cell] = found[GROWTH.name, (str(number),)]
        assert (cell.count, cell.sum) == (EACH, EACH * 2)


def test_nothing_is_lost_or_seen_twice_by_snapshots_taken_meanwhile():
    """What is marked as written is left, and what came in between is kept."""
    seen = 0
    done = threading.Event()

    def work() -> None:
        for _ in range(EACH * 4):
            PLAIN.record(1.0)
        done.set()

    threading.Thread(target=work).start()
    last: dict = {}
    while not done.is_set() or recorder.snapshot():
        snapshot = recorder.snapshot()
        for minute in snapshot:
            for cell in minute.cells.values():
                seen += cell.count - last.get(minute.at, 0)
                last[minute.at] = cell.count
        recorder.written(snapshot)
    assert seen == EACH * 4


def test_a_value_belongs_to_the_minute_it_was_recorded_in(monkeypatch):
    for seconds in (0, 59.9, 60, 125):
        with clock(monkeypatch, NOON + seconds):
            PLAIN.record(1.0)
    assert [(each.at - NOON, *counted(each)) for each in recorder.snapshot()] == [
        (0, 2), (60, 1), (120, 1),
    ]  # fmt: skip


def counted(minute) -> list[int]:
    return [cell.count for cell in minute.cells.values()]


def test_a_clock_set_back_a_little_stays_in_the_newest_minute(monkeypatch):
    with clock(monkeypatch, NOON + 60):
        PLAIN.record(1.0)
    with clock(monkeypatch, NOON):
        PLAIN.record(1.0)
    [minute] = recorder.snapshot()
    assert (minute.at, counted(minute)) == (NOON + 60, [2])


def test_after_a_clock_was_set_back_far_it_is_another_source(monkeypatch):
    """The minutes come again that are written already: they must not be written over."""
    with clock(monkeypatch, NOON):
        PLAIN.record(1.0)
    recorder.written(recorder.snapshot())
    with clock(monkeypatch, NOON - 3600):
        PLAIN.record(1.0)
    with clock(monkeypatch, NOON):
        PLAIN.record(1.0)
    again, noon = recorder.snapshot()
    assert (again.at, noon.at) == (NOON - 3600, NOON)
    assert again.source == noon.source == recorder.source
    assert counted(noon) == [1]


@pytest.mark.option("metrics.label_sets")
def test_more_sets_of_labels_than_allowed_are_counted_as_other():
    with options.replaced({"metrics.label_sets": 10}):
        for number in range(15):
            DURATION.record(1.0, str(number), "x")
        DURATION.record(1.0, "3", "x")  # one that is known
        GROWTH.add(1, "another instrument")
        found = counts()
    assert found[DURATION.name, (OTHER, OTHER)] == 5
    assert found[DURATION.name, ("3", "x")] == 2
    assert len([name for name, _ in found if name == DURATION.name]) == 11
    assert found[GROWTH.name, ("another instrument",)] == 1


def test_an_instrument_of_what_people_register_keeps_as_many_apart_as_it_says():
    known = instruments.counter(
        "test_registered", labels=("thing",), label_sets=20, help="What things did."
    )
    try:
        with options.replaced({"metrics.label_sets": 10}):
            for number in range(25):
                known.add(1, str(number))
            found = counts()
        assert len(found) == 21
        assert found["test_registered", (OTHER,)] == 5
    finally:
        instruments.registry.remove("test_registered")
        del recording.OWN_LABEL_SETS["test_registered"]


def test_labels_that_the_database_can_not_hold_are_made_storable():
    GROWTH.add(1, "a\0b\ud800")
    GROWTH.add(1, "a\0b\ud800")
    GROWTH.add(1, "x" * 10_000)
    assert counts() == {
        (GROWTH.name, ("a\ufffdb\ufffd",)): 2,
        (GROWTH.name, ("x" * recording.MOST_LABEL,)): 1,
    }


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_number_is_left_out(value):
    PLAIN.record(value)
    GROWTH.add(value, "a")
    LEVEL.set(value, "a", seconds=5)
    LEVEL.set(1, "a", seconds=value)
    assert counts() == {}


@pytest.mark.parametrize("kind", [Decimal, Fraction, int, bool])
def test_a_number_of_any_kind_is_counted_as_a_whole_or_not_at_all(kind):
    PLAIN.record(2.5)
    PLAIN.record(kind(1))
    GROWTH.add(kind(1), "a")
    LEVEL.set(kind(1), "a", seconds=kind(1))
    found = cells()
    [seen] = found[PLAIN.name, ()]
    assert (seen.count, seen.sum, sum(seen.buckets.values())) == (2, 3.5, 2)
    [grown] = found[GROWTH.name, ("a",)]
    assert (grown.count, grown.sum) == (1, 1)
    [level] = found[LEVEL.name, ("a",)]
    assert (level.count, level.sum, level.weight) == (1, 1, 1)


@pytest.mark.parametrize("value", [None, "1", [1.0], 10**400, Decimal("sNaN")])
def test_what_can_not_be_counted_disturbs_nobody(value):
    PLAIN.record(value)
    GROWTH.add(value, "a")
    LEVEL.set(value, "a", seconds=5)
    PLAIN.record(1.0)
    assert counts() == {(PLAIN.name, ()): 1}


def test_a_wrong_number_of_labels_is_refused():
    for wrong in (
        lambda: DURATION.record(1.0, "kind"),
        lambda: GROWTH.add(1),
        lambda: LEVEL.set(1, "a", "b", seconds=1),
    ):
        with pytest.raises(TypeError, match="labels; it has: kind"):
            wrong()
    with pytest.raises(TypeError, match="it has: none"):
        PLAIN.record(1.0, "kind")
    assert counts() == {}


def test_a_gauge_was_nothing_for_no_time():
    LEVEL.set(100, "a", seconds=0)
    assert counts() == {}
    LEVEL.set(100, "a", seconds=2)
    LEVEL.set(40, "a", seconds=4)
    [cell] = cells()[LEVEL.name, ("a",)]
    assert (cell.sum, cell.weight, cell.low, cell.high) == (360, 6, 40, 100)


def test_the_slowest_value_is_the_exemplar():
    for seconds, exemplar in ((0.2, "req_a"), (0.9, "req_b"), (0.5, "req_c"), (2.0, None)):
        PLAIN.record(seconds, exemplar=exemplar)
    [[cell]] = cells().values()
    assert cell.exemplar[:2] == (0.9, "req_b")


def test_a_database_that_is_away_costs_a_bounded_number_of_minutes(monkeypatch, caplog):
    for minute in range(recording.MOST_MINUTES + 3):
        with clock(monkeypatch, NOON + minute * 60):
            PLAIN.record(1.0)
    kept = [each.at for each in recorder.snapshot()]
    assert kept == [NOON + minute * 60 for minute in range(3, recording.MOST_MINUTES + 3)]
    assert "could not be written in time" in caplog.text


def test_a_forked_child_has_recorded_nothing_and_is_another_source():
    PLAIN.record(1.0)
    reader, writer = os.pipe()
    with recorder._lock:  # held by another thread at the moment of the fork
        pid = os.fork()
    if pid == 0:
        PLAIN.record(1.0)
        PLAIN.record(1.0)
        os.write(writer, f"{recorder.source} {counts()[PLAIN.name, ()]}".encode())
        os._exit(0)
    os.waitpid(pid, 0)
    source, count = os.read(reader, 100).decode().split()
    assert (source != str(recorder.source), count) == (True, "2")
    assert counts() == {(PLAIN.name, ()): 1}
