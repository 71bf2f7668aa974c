"""The audit log as a file that can be verified without this instance."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import orjson

from core.access import sealing
from core.access.sealing import Head, Verdict
from core.api.envelope import dumps


def write(path: Path, entries: Iterable[dict[str, Any]]) -> Head:
    """Write sealed entries as JSON lines, digests in hex; returns the head.

    The last line is `{"head": "<sequence>:<digest>"}`. Raises OSError, FileExistsError too.
    """
    head = Head()
    with path.open("xb") as file:
        for entry in entries:
            head = Head(entry["sequence"], bytes(entry["digest"]))
            file.write(dumps({**entry, "digest": head.digest.hex()}) + b"\n")
        file.write(dumps({"head": str(head)}) + b"\n")
    return head


def verify(path: Path, *, through: Head | None = None) -> Verdict:
    """Check an export; raises OSError, and ValueError when the file isn't one."""
    with path.open("rb") as file:
        export = _Export(file)
        verdict = sealing.verify(export.entries(), through=through)
    if verdict.problem is not None:
        return verdict
    if export.head is None:
        return Verdict(verdict.head, "The file has no head: it is cut off, or not an export.")
    if verdict.head != export.head:
        return Verdict(verdict.head, f"The chain ends at {verdict.head}, not at {export.head}.")
    return verdict


class _Export:
    """A file being read; `head` is what its last line says, once that was reached."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        self.lines = lines
        self.head: Head | None = None

    def entries(self) -> Iterator[dict[str, Any]]:
        for line in self.lines:
            try:
                document = orjson.loads(line)
                if self.head is not None:
                    raise ValueError("something follows the head")
                if "head" in document:
                    self.head = Head.parse(document["head"])
                else:
                    yield {**document, "digest": bytes.fromhex(document["digest"])}
            except (AttributeError, KeyError, TypeError, ValueError):
                raise ValueError(f"This is not a line of an export: {line[:80]!r}") from None
