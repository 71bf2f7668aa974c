"""Files: put in place as a whole or not at all, and read without waiting."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import BinaryIO

READABLE = 0o644  # what is measured is no secret, and others collect such files


def replace(path: Path, content: bytes) -> None:
    """Put a file in place of what is there, once all of it is on the disk. What is no file, such
    as a pipe, is written to instead. Raises OSError."""
    path = path.resolve()
    if path.exists() and not path.is_file():
        path.write_bytes(content)
        return
    with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        try:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), READABLE)
            os.fsync(file.fileno())
            os.replace(file.name, path)
        except BaseException:
            os.unlink(file.name)
            raise


def open_regular(path: str | Path) -> BinaryIO:
    """Open a file to read it. Raises OSError, and NotAFile for a pipe or device, from which a
    read could wait for ever."""
    file = open(path, "rb", opener=_open_without_waiting)  # noqa: SIM115  the caller closes it
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise NotAFile(f"{path} is no file")
    return file


class NotAFile(OSError):
    """It is something else, such as a pipe."""


def _open_without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)
