"""Results as a Markdown table in README.md, between the markers of their benchmark."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

README = Path(__file__).with_name("README.md")


@dataclass(frozen=True)
class Row:
    """One figure; `met` is None where there is no goal."""

    what: str
    figure: str
    goal: str = ""
    met: bool | None = None

    def __str__(self) -> str:
        mark = {None: "", True: "yes", False: "**no**"}[self.met]
        return f"| {self.what} | {self.figure} | {self.goal} | {mark} |"


def table(rows: Iterable[Row], *, note: str) -> str:
    head = ["| what | measured | goal | met |", "|---|---|---|---|"]
    return "\n".join([f"{machine()} {note}", "", *head, *map(str, rows)])


def machine() -> str:
    today = datetime.now(UTC).date().isoformat()
    system = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    return f"{today}, {os.cpu_count()} cores, {system}."


def load_of_others() -> str:
    """What else the machine does, to be asked before the benchmark adds to it."""
    return f"load average {os.getloadavg()[0]:.1f} before it began"


def write(benchmark: str, text: str) -> None:
    """Replace what stands between the benchmark's markers in README.md."""
    begin, end = f"<!-- {benchmark} -->", f"<!-- /{benchmark} -->"
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    before = README.read_text()
    after, count = pattern.subn(lambda _: f"{begin}\n{text}\n{end}", before)
    if count != 1:
        raise ValueError(f"{README} has no place for the results of {benchmark}")
    README.write_text(after)
