"""The files of a plugin on disk, against those its manifest names."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from plugins.manifest import FILE_NAME

MAX_FILES = 2000
MAX_BYTES = 64 * 2**20  # of all files together
MAX_DEPTH = 20
# Left behind by tools; never read, because only files of the manifest are.
IGNORED = frozenset({"__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".git"})


class Unsafe(Exception):
    """The files can't be a plugin's, for a reason that needs no look into them."""


def problems(folder: Path, files: Mapping[str, str]) -> list[str]:
    """What is wrong with the files on disk, one sentence each; none when all is as named.

    Raises Unsafe and OSError when it is not possible to tell.
    """
    found = hashes(folder)
    return [
        *(f"{path} is missing" for path in sorted(files.keys() - found.keys())),
        *(f"{path} is not in the manifest" for path in sorted(found.keys() - files.keys())),
        *(
            f"{path} has changed"
            for path in sorted(files.keys() & found.keys())
            if files[path] != found[path]
        ),
    ]


def hashes(folder: Path) -> dict[str, str]:
    """The SHA-256 of every file but the manifest, by path. Raises Unsafe and OSError."""
    found: dict[str, str] = {}
    left = MAX_BYTES
    for path in walk(folder):
        if len(found) == MAX_FILES:
            raise Unsafe(f"it has more than {MAX_FILES} files")
        digest, size = _digest(path, left)
        left -= size
        name = path.relative_to(folder).as_posix()
        if "\ufffd" in os.fsencode(name).decode(errors="replace"):
            raise Unsafe("the name of a file is not UTF-8")
        found[name] = digest
    found.pop(FILE_NAME, None)
    return dict(sorted(found.items()))


def walk(folder: Path, depth: int = 0) -> Iterator[Path]:
    """Every file below `folder`, the manifest too. Raises Unsafe for what isn't a plain file
    or folder, or may be written by anybody."""
    if depth > MAX_DEPTH:
        raise Unsafe(f"its folders are nested more than {MAX_DEPTH} deep")
    require_protected(folder)
    with os.scandir(folder) as listing:
        entries = sorted(listing, key=lambda each: each.name)
    for entry in entries:
        path = folder / entry.name
        if entry.is_symlink():
            raise Unsafe(f"{entry.name!r} is a symbolic link, which may lead out of the plugin")
        if entry.is_dir():
            if entry.name not in IGNORED:
                yield from walk(path, depth + 1)
        elif entry.is_file():
            require_protected(path)
            yield path
        else:
            raise Unsafe(f"{entry.name!r} is neither a file nor a folder")


def require_protected(path: Path) -> None:
    """Raises Unsafe for what every user of the machine may write, and so replace."""
    if path.lstat().st_mode & stat.S_IWOTH:
        raise Unsafe(f"{path.name!r} may be written by every user of this machine (chmod o-w)")


def _digest(path: Path, at_most: int) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while part := file.read(2**20):
            size += len(part)
            if size > at_most:
                raise Unsafe(f"its files are larger than {MAX_BYTES // 2**20} MiB together")
            digest.update(part)
    return digest.hexdigest(), size
