"""Callers of a test: one that lets it run, one that cancels it."""

from __future__ import annotations

from dataclasses import dataclass, field

from tasks.interrupts import CancelRequested


@dataclass
class Patient:
    """Lets a test run to its end and notes its progress."""

    fractions: list[float] = field(default_factory=list)

    def progress(self, fraction: float) -> None:
        self.fractions.append(fraction)

    def checkpoint(self) -> None:
        """Go on."""


@dataclass
class Cancelling:
    """Cancels a test once it is so far."""

    at: float

    def progress(self, fraction: float) -> None:
        if fraction >= self.at:
            raise CancelRequested

    def checkpoint(self) -> None:
        """Go on."""
