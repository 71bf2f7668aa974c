"""What the system tells is asked for by every process, and of a node by one of its processes."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import psutil
import pytest
from django.db import OperationalError, connection
from django.db.models.functions import Now

from core import options
from core.metrics import flushing, sampling, standard
from core.metrics.models import LabelSet, Minute
from core.metrics.recorder import Cell, recorder
from core.metrics.samplers import Growth
from core.metrics.sampling import Sampling
from core.processes import loops, operations, runtime
from core.processes.identity import Identity
from core.processes.models import Process
from tests.waiting import until

pytestmark = pytest.mark.django_db


@pytest.fixture
def calls() -> Iterator[list[tuple[str, float]]]:
    """What was sampled: by a sampler of every process and one of the node."""
    made: list[tuple[str, float]] = []
    sampling.register("test.each")(lambda seconds: made.append(("each", seconds)))
    sampling.register("test.node", of_node=True)(lambda seconds: made.append(("node", seconds)))
    yield made
    sampling.registry.remove("test.each")
    sampling.registry.remove("test.node")


@pytest.fixture
def clock(monkeypatch) -> list[float]:
    """The time for samplers, which a test may set."""
    now = [1_800_000_000.0]
    monkeypatch.setattr(sampling, "monotonic", lambda: now[0])
    monkeypatch.setattr(sampling, "time", lambda: now[0])
    return now


def registered(*, age: float, **given) -> Identity:
    """A process with its row, started `age` seconds ago."""
    identity = Identity(role="web", started=time.monotonic() - age, **given)
    operations.register(identity=identity)
    return identity


@pytest.fixture
def as_process(monkeypatch) -> Callable[[Identity | None], Sampling]:
    """Samples as another process would."""

    def become(identity: Identity | None) -> Sampling:
        monkeypatch.setattr(runtime, "identity", lambda: identity)
        return Sampling()

    return become


def chosen(calls: list[tuple[str, float]]) -> bool:
    asked = {name for name, _ in calls}
    calls.clear()
    return "node" in asked


def test_a_sampler_is_told_for_how_long_its_figure_stands(calls, clock, as_process):
    samples = as_process(None)
    for step in (0, 5, 0.5, 600):
        clock[0] += step
        samples.sample()
    assert calls == [("each", 0), ("each", 5), ("each", 0.5), ("each", 60)]


def test_one_that_raises_is_logged_once_and_the_others_go_on(calls, as_process, caplog):
    def broken(seconds: float) -> None:
        raise OSError("no such disk")

    sampling.register("test.broken")(broken)
    try:
        samples = as_process(None)
        for _ in range(3):
            samples.sample()
    finally:
        sampling.registry.remove("test.broken")
    assert len(calls) == 3
    said = [each.getMessage() for each in caplog.records if "sample" in each.getMessage()]
    assert said == ["could not sample test.broken"]


def test_the_oldest_main_process_of_a_node_samples_it(calls, as_process):
    child = registered(age=900, parent_pid=1)
    oldest, younger = registered(age=600), registered(age=300)
    Process.objects.create(node="other", pid=1, role="web", version="1", started_at=Now())
    for identity, expected in ((oldest, True), (younger, False), (child, False), (None, False)):
        as_process(identity).sample()
        assert chosen(calls) is expected


def test_nobody_samples_it_before_those_that_are_older_can_have_registered(
    calls, clock, as_process
):
    """Else the first minute would have two."""
    itself = registered(age=1)
    samples = as_process(itself)
    samples.sample()
    assert not chosen(calls)
    Process.objects.update(started_at=Now() - timedelta(seconds=6))
    samples.sample()  # in the same minute: there was no answer yet
    assert chosen(calls)


def test_another_process_takes_over_with_the_next_minute(calls, clock, as_process):
    oldest, younger = registered(age=600), registered(age=300)
    samples = as_process(younger)
    samples.sample()
    assert not chosen(calls)
    Process.objects.filter(pk=oldest.id).update(stopped_at=Now())
    clock[0] += 5
    samples.sample()
    assert not chosen(calls)  # of this minute the other one has told
    clock[0] += 60
    samples.sample()
    assert ("node", 0) in calls  # from now on
    clock[0] += 5
    samples.sample()
    assert ("node", 5) in calls


def test_while_the_database_is_away_it_stays_as_it_was(calls, clock, as_process):
    def away(*args):
        raise OperationalError("the database is away")

    oldest, younger = registered(age=600), registered(age=300)
    for identity, expected in ((oldest, True), (younger, False)):
        samples = as_process(identity)
        samples.sample()
        calls.clear()
        clock[0] += 60
        with connection.execute_wrapper(away):
            samples.sample()
            assert chosen(calls) is expected


def sampled(instrument, *labels: str) -> Cell | None:
    for minute in recorder.snapshot():
        if cell := minute.cells.get((instrument.name, labels)):
            return cell
    return None


@pytest.fixture
def twice(as_process, monkeypatch) -> None:
    """This process has sampled itself and its node twice, and worked in between."""
    samples = as_process(registered(age=600))
    samples.sample()
    began = time.process_time()
    until(lambda: time.process_time() - began > 0.2, interval=0)
    samples.sample()


def test_a_process_tells_of_its_processor_time_and_memory(twice):
    cpu = sampled(standard.PROCESS_CPU, "web")
    assert 1 < cpu.sum / cpu.weight <= 110
    memory = sampled(standard.PROCESS_MEMORY, "web")
    assert 5e6 < memory.high <= psutil.Process().memory_info().rss * 1.1


def test_one_of_its_node_tells_of_processors_memory_and_disk(twice, settings):
    cpu = sampled(standard.NODE_CPU)
    assert 0 < cpu.high <= 100
    assert 0 < sampled(standard.NODE_MEMORY).high <= psutil.virtual_memory().total
    disk = shutil.disk_usage(settings.DATA_DIR)
    assert sampled(standard.NODE_DISK_USED).high == pytest.approx(disk.used, rel=0.05)
    assert sampled(standard.NODE_DISK_FREE).high == pytest.approx(disk.free, rel=0.05)
    for rate in (standard.NODE_RECEIVED, standard.NODE_SENT):
        assert sampled(rate).low >= 0


def test_growth_is_told_by_the_second_and_never_negative():
    growth = Growth()
    given = ((1000, 0.0), (1500, 5.0), (1500, 5.0), (20, 5.0), (70, 10.0))
    assert [growth.per_second(*each) for each in given] == [0, 100, 0, 0, 5]


def test_a_gauge_of_the_instance_is_in_the_database(running):
    running("beat")
    memory = {"instrument": standard.PROCESS_MEMORY.name, "labels": {"role": "beat"}}
    with options.replaced({"metrics.flush_seconds": 0.5}):
        loops.wake(flushing.LOOP)
        until(
            lambda: Minute.objects.filter(label_set__in=LabelSet.objects.filter(**memory)).exists()
        )
