"""Percentiles over several processes are within 1 % of the exact ones."""

from __future__ import annotations

import subprocess
import sys

import numpy
import pytest

from core.metrics.histogram import Distribution, decode
from core.metrics.models import Minute
from tests.metrics.latencies import DISTRIBUTIONS, INSTRUMENTS, PROCESSES, latencies
from tests.processes.spawning import ROOT
from tests.tasks.workers import environment

SHARES = {"p50": 0.50, "p95": 0.95, "p99": 0.99}


def record(each: int) -> None:
    """Have processes record their parts of all distributions at the same time, and write them."""
    command = [sys.executable, "-m", "tests.metrics.latencies"]
    running = [
        subprocess.Popen([*command, str(part), str(each)], cwd=ROOT, env=environment())
        for part in range(PROCESSES)
    ]
    assert [process.wait(240) for process in running] == [0] * PROCESSES


def merged(name: str) -> Distribution:
    """What the database has of a distribution, of all processes and minutes."""
    whole = Distribution()
    for row in Minute.objects.filter(label_set__instrument=INSTRUMENTS[name].name):
        whole.merge(Distribution(row.count, row.sum, row.low, row.high, decode(row.buckets)))
    return whole


def compare(each: int) -> None:
    for name in DISTRIBUTIONS:
        exact = numpy.concatenate([latencies(name, part, each) for part in range(PROCESSES)])
        ours = merged(name)
        assert ours.count == len(exact)
        assert ours.sum == pytest.approx(exact.sum())
        expected = numpy.quantile(exact, list(SHARES.values()))
        assert ours.quantiles(SHARES.values()) == pytest.approx(list(expected), rel=0.01), name


@pytest.mark.parametrize(
    "each", [5_000, pytest.param(250_000, marks=pytest.mark.storm)], ids=["20,000", "10^6"]
)
def test_percentiles_over_four_processes_are_within_1_percent(transactional_db, each: int):
    record(each)
    compare(each)


@pytest.mark.parametrize("values", [[0.04], [0.04, 0.168], [0.1, 0.1, 0.1, 0.5], [1e-12, 1e13]])
def test_percentiles_of_a_few_values_lie_between_them(values):
    """A p95 below the mean would be hard to believe."""
    seen = Distribution()
    for value in values:
        seen.add(value)
    expected = numpy.quantile(values, list(SHARES.values()))
    assert seen.quantiles(SHARES.values()) == pytest.approx(list(expected), rel=0.01)
    assert Distribution().quantiles((0.5,)) == [None]
