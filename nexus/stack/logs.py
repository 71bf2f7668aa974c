"""Following the logs of all programs in one terminal."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

COLOURS = ("36", "35", "34", "33", "32", "96", "95")
TAIL_BYTES = 4096
READ_BYTES = 1024 * 1024


class Follower:
    """New lines of `<program>.log`, across rotations, from where the file ended at first."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.position = path.stat().st_size if path.exists() else 0
        self.inode = path.stat().st_ino if path.exists() else 0
        self.rest = b""

    def lines(self) -> Iterator[str]:
        try:
            with self.path.open("rb") as file:
                found = os.fstat(file.fileno())
                if found.st_ino != self.inode or found.st_size < self.position:
                    self.inode, self.position = found.st_ino, 0
                file.seek(self.position)
                text = file.read(READ_BYTES)
        except OSError:
            return
        self.position += len(text)
        *complete, self.rest = (self.rest + text).split(b"\n")
        yield from (line.decode(errors="replace") for line in complete)


class Logs:
    """The logs of `programs`, each line with its program's name before it."""

    def __init__(self, folder: Path, programs: list[str], *, coloured: bool) -> None:
        width = max(map(len, programs))
        self.followers = {}
        for index, name in enumerate(programs):
            label = f"{name:<{width}} │ "
            if coloured:
                label = f"\x1b[{COLOURS[index % len(COLOURS)]}m{label}\x1b[0m"
            self.followers[label] = Follower(folder / f"{name}.log")

    def new_lines(self) -> Iterator[str]:
        for label, follower in self.followers.items():
            for line in follower.lines():
                yield label + line


def tail(path: Path, lines: int = 15) -> str:
    """The last lines of a log, to show why something failed."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - TAIL_BYTES))
            return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""
