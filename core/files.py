"""Files that are there as a whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import NamedTemporaryFile

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
