"""What one process counts of its look-ups: plain integers, for they are on the fastest path."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields


@dataclass(slots=True)
class Counts:
    """Look-ups by where they were answered: in this process, by the server, or nowhere.

    `evictions` are entries this process threw out for want of room; `invalidations` those
    the server told it to drop; `refusals` writes that the server did not take.
    """

    l1_hits: int = 0
    l2_hits: int = 0
    misses: int = 0
    evictions: int = 0
    invalidations: int = 0
    refusals: int = 0

    def reset(self) -> None:
        for each in fields(self):
            setattr(self, each.name, 0)

    def as_dict(self) -> dict[str, int]:
        return asdict(self)


NAMES = tuple(each.name for each in fields(Counts))
