"""Latencies of five distributions, and a process that records its part of each.

python -m tests.metrics.latencies PART NUMBER
"""

from __future__ import annotations

import sys

import django
import numpy

django.setup()

from core.metrics import flushing, instruments  # noqa: E402

PROCESSES = 4
DISTRIBUTIONS = ("uniform", "lognormal", "bimodal", "heavy_tail", "constant")
INSTRUMENTS = {
    name: instruments.histogram(f"test_{name}_seconds", unit="s", help="For tests.")
    for name in DISTRIBUTIONS
}


def latencies(name: str, part: int, number: int) -> numpy.ndarray:
    """Seconds; the same each time they are asked for."""
    random = numpy.random.default_rng([part, DISTRIBUTIONS.index(name)])
    if name == "uniform":
        return random.uniform(0.001, 1.0, number)
    if name == "lognormal":
        return random.lognormal(-3.0, 1.0, number)
    if name == "bimodal":
        fast, slow = random.normal(0.010, 0.001, number), random.normal(0.250, 0.020, number)
        return numpy.abs(numpy.where(random.random(number) < 0.7, fast, slow))
    if name == "heavy_tail":
        return 0.002 * (1 + random.pareto(1.2, number))
    return numpy.full(number, 0.0425)


def main() -> None:
    part, number = map(int, sys.argv[1:])
    for name in DISTRIBUTIONS:
        for seconds in latencies(name, part, number).tolist():
            INSTRUMENTS[name].record(seconds)
    while flushing.flush():
        continue


if __name__ == "__main__":
    main()
