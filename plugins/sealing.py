"""Writing the hashes of a plugin's files into its manifest."""

from __future__ import annotations

import json
import os
import re
import tomllib
from pathlib import Path

from plugins import files, manifest
from plugins.manifest import FILE_NAME, InvalidManifest, Manifest

_TABLE = re.compile(r"^\[files\][ \t]*(#.*)?$", re.MULTILINE)
_HEADER = re.compile(r"^[ \t]*\[", re.MULTILINE)


def seal(folder: Path) -> Manifest:
    """Name every file with its SHA-256 in the table [files], the last of the manifest; the
    rest of it stays as it is written. Returns the sealed manifest.

    Raises InvalidManifest, Unsafe and OSError; the manifest is then as it was.
    """
    text = manifest.text_of(folder)
    manifest.parse(text)
    head = _before_files(text)
    found = files.hashes(folder)
    lines = [
        f"{json.dumps(path, ensure_ascii=False)} = {json.dumps(found[path])}" for path in found
    ]
    sealed = f"{head.rstrip()}\n\n[files]\n" + "".join(f"{line}\n" for line in lines)
    checked = manifest.parse(sealed)
    if _without_files(sealed) != _without_files(text) or checked.files != found:
        raise InvalidManifest(f"[files] can't be written: make it the last table of {FILE_NAME}.")
    _replace(folder / FILE_NAME, sealed)
    return checked


def _before_files(text: str) -> str:
    """Raises InvalidManifest when the files are not in a table at the end."""
    table = _TABLE.search(text)
    if table is None:
        return text
    if _HEADER.search(text, table.end()):
        raise InvalidManifest(f"[files] must be the last table of {FILE_NAME}.")
    return text[: table.start()]


def _without_files(text: str) -> dict[str, object]:
    return {name: value for name, value in tomllib.loads(text).items() if name != "files"}


def _replace(path: Path, text: str) -> None:
    """All of it or nothing, with the mode that it had."""
    written = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        written.write_text(text)
        written.chmod(path.stat().st_mode & 0o777)
        written.replace(path)
    finally:
        written.unlink(missing_ok=True)
