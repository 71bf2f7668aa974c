"""Comparing things fairly on a machine that is never quiet.

Subjects are measured in short slices, one after the other, round after round, each round in
another order: what disturbs the machine disturbs all of them. A ratio is the median of the
ratios within each round, so that slow drift cancels out.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import perf_counter

Slice = Callable[[], float]


@dataclass(frozen=True)
class Comparison:
    """Figures per subject, one per round; all of one unit."""

    figures: Mapping[str, list[float]]

    def median(self, subject: str) -> float:
        return statistics.median(self.figures[subject])

    def spread(self, subject: str) -> float:
        """Half the distance between the quartiles, as a part of the median."""
        low, middle, high = statistics.quantiles(self.figures[subject], n=4)
        return (high - low) / 2 / middle

    def ratio(self, subject: str, baseline: str) -> float:
        pairs = zip(self.figures[subject], self.figures[baseline], strict=True)
        return statistics.median(ours / theirs for ours, theirs in pairs)


def compare(subjects: Mapping[str, Slice], *, rounds: int) -> Comparison:
    """Run every subject's slice `rounds` times; one round more, the first, is thrown away."""
    figures: dict[str, list[float]] = {name: [] for name in subjects}
    names = list(subjects)
    for number in range(rounds + 1):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            figure = subjects[name]()
            if number:
                figures[name].append(figure)
    return Comparison(figures)


def microseconds_per_call(
    call: Callable[[], object], *, seconds: float, clock: Callable[[], float] = perf_counter
) -> float:
    """The mean cost of `call` over about `seconds`; the clock is read once per 16 calls."""
    calls = 0
    started = clock()
    while (elapsed := clock() - started) < seconds:
        for _ in range(16):
            call()
        calls += 16
    return elapsed / calls * 1e6
