"""The harness finds a known difference, and drift does not fool it."""

from itertools import count

import pytest

from benchmarks.harness import compare, microseconds_per_call


def test_a_ratio_is_the_median_of_the_ratios_within_each_round():
    drift = count(1)
    speed = {"slow": 1.0, "fast": 2.0}
    comparison = compare(
        {name: lambda name=name: speed[name] * (1 + next(drift) / 1000) for name in speed},
        rounds=9,
    )
    assert comparison.ratio("fast", "slow") == pytest.approx(2.0, rel=0.01)
    assert len(comparison.figures["fast"]) == 9


def test_every_round_visits_every_subject_in_another_order():
    visits = []
    subjects = {name: lambda name=name: visits.append(name) or 1.0 for name in "abc"}
    compare(subjects, rounds=2)
    assert ["".join(visits[i : i + 3]) for i in (0, 3, 6)] == ["abc", "bca", "cab"]


def test_the_cost_of_a_call_is_given_in_microseconds():
    work = microseconds_per_call(lambda: sum(range(1000)), seconds=0.05)
    assert 1 < work < 1000
