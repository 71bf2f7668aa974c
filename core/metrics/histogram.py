"""Distributions that can be merged: counts in buckets whose bounds grow by a constant factor.

The mapping is DDSketch's (Masson, Rim, Lee: DDSketch, VLDB 2019): a value lies in bucket
ceil(log(value) / log(GROWTH)). With GROWTH = 2^(1/35) every 35th bound is a power of two, and
what a bucket stands for is within 0.991 % of every value in it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from math import ceil, floor, log2

PER_DOUBLING = 35
GROWTH = 2 ** (1 / PER_DOUBLING)
RELATIVE_ERROR = (GROWTH - 1) / (GROWTH + 1)
SMALLEST = 1e-9  # smaller values, and those below 0, count as this one
LARGEST = 1e12

Buckets = dict[int, int]  # bucket to count


def bucket(value: float) -> int:
    """The bucket of a value: bound(bucket - 1) < value <= bound(bucket)."""
    if not SMALLEST < value < LARGEST:
        value = LARGEST if value >= LARGEST else SMALLEST
    return ceil(log2(value) * PER_DOUBLING)


def bound(index: int) -> float:
    """The largest value of a bucket."""
    return 2.0 ** (index / PER_DOUBLING)


def middle(index: int) -> float:
    """What a bucket stands for: as far from its bounds, relatively, as can be."""
    return 2 * bound(index) / (GROWTH + 1)


@dataclass(slots=True)
class Distribution:
    """What was seen of a value: how often, in sum, from `low` to `high`, and in which buckets."""

    count: int = 0
    sum: float = 0.0
    low: float = float("inf")
    high: float = float("-inf")
    buckets: Buckets = field(default_factory=dict)

    def add(self, value: float) -> None:
        self.count += 1
        self.sum += value
        if value < self.low:
            self.low = value
        if value > self.high:
            self.high = value
        # As `bucket` has it, whose call would cost as much as what it does.
        usual = SMALLEST < value < LARGEST
        index = ceil(log2(value) * PER_DOUBLING) if usual else bucket(value)
        buckets = self.buckets
        buckets[index] = buckets.get(index, 0) + 1

    def merge(self, other: Distribution) -> None:
        self.count += other.count
        self.sum += other.sum
        self.low = min(self.low, other.low)
        self.high = max(self.high, other.high)
        merge(self.buckets, other.buckets)

    def quantiles(self, shares: Iterable[float]) -> list[float | None]:
        """For each share (0 to 1) the value below which so many of all lie, between two of them
        in proportion, as numpy has it. Each is within RELATIVE_ERROR; None when nothing was
        seen."""
        rising = sorted(self.buckets.items())
        ends = list(accumulate(count for _, count in rising))
        found: list[float | None] = []
        for share in shares:
            if not rising:
                found.append(None)
                continue
            rank = share * (self.count - 1)
            below, beyond = (
                self._ranked(place, rising, ends) for place in (floor(rank), ceil(rank))
            )
            found.append(below + (beyond - below) * (rank - floor(rank)))
        return found

    def _ranked(self, place: int, rising: list[tuple[int, int]], ends: list[int]) -> float:
        """The value that has so many smaller ones; the first and the last are known exactly."""
        if place <= 0:
            return self.low
        if place >= self.count - 1:
            return self.high
        index, _ = rising[min(bisect_right(ends, place), len(rising) - 1)]
        return min(max(middle(index), self.low), self.high)


def merge(into: Buckets, other: Mapping[int, int]) -> None:
    """Add the counts of `other`; negative ones take away, and what is empty goes."""
    for index, count in other.items():
        total = into.get(index, 0) + count
        if total:
            into[index] = total
        else:
            into.pop(index, None)


def encode(buckets: Mapping[int, int]) -> bytes:
    """As few bytes as can be: for each bucket, ascending, the distance from the one before and
    the count, both as variable-length integers (LEB128; the first distance zigzagged)."""
    written = bytearray()
    before: int | None = None
    for index in sorted(buckets):
        distance = _zigzag(index) if before is None else index - before
        before = index
        for number in (distance, buckets[index]):
            while number > 0x7F:
                written.append(number & 0x7F | 0x80)
                number >>= 7
            written.append(number)
    return bytes(written)


def decode(written: bytes | memoryview) -> Buckets:
    """The buckets that `encode` wrote. Raises ValueError for what it didn't write."""
    numbers: list[int] = []
    number = shift = 0
    for byte in bytes(written):
        number |= (byte & 0x7F) << shift
        if byte & 0x80:
            shift += 7
        else:
            numbers.append(number)
            number = shift = 0
    if shift or len(numbers) % 2:
        raise ValueError("these are not the buckets of a histogram")
    buckets: Buckets = {}
    index = 0
    for place in range(0, len(numbers), 2):
        index = index + numbers[place] if place else _unzigzag(numbers[0])
        buckets[index] = numbers[place + 1]
    return buckets


def _zigzag(number: int) -> int:
    return number * 2 if number >= 0 else -number * 2 - 1


def _unzigzag(number: int) -> int:
    return number // 2 if number % 2 == 0 else -(number // 2) - 1
