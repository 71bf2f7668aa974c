"""The chain through the audit log, so that a changed or missing entry is noticed.

Entries are numbered in the order of sealing, not of their ids: a transaction that commits
late gets the next number, so nobody has to wait for anybody. Each digest is the SHA-256 of
the digest before it and the entry as canonical JSON. Whoever can rewrite the whole table can
rewrite the chain too; what they can't rewrite is a head kept elsewhere, which is why each
sealing is logged and every export ends with it.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson
from django.db import transaction

from core.access.models import AuditEntry
from core.locks import try_lock_for_transaction

logger = logging.getLogger(__name__)

BATCH = 500
GENESIS = bytes(32)
FIELDS = (
    "id", "time", "actor_kind", "actor_id", "actor_name", "action", "target", "details",
    "outcome", "request_id", "address",
)  # fmt: skip
_CANONICAL = orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z


@dataclass(frozen=True, slots=True)
class Head:
    """The newest link: how many entries are sealed, and the digest over all of them."""

    sequence: int = 0
    digest: bytes = GENESIS

    def __str__(self) -> str:
        return f"{self.sequence}:{self.digest.hex()}"

    @classmethod
    def parse(cls, text: str) -> Head:
        """The head written as `<sequence>:<digest in hex>`; raises ValueError."""
        sequence, _, digest = text.partition(":")
        head = cls(int(sequence), bytes.fromhex(digest))
        if str(head) != text or len(head.digest) != len(GENESIS):
            raise ValueError(f"{text!r} is not a head: <sequence>:<64 hex figures>")
        return head


def link(previous: bytes, sequence: int, entry: dict[str, Any]) -> bytes:
    """The digest of `entry` (with the keys of FIELDS) as the one after `previous`."""
    content = {name: entry[name] for name in FIELDS}
    return hashlib.sha256(previous + orjson.dumps([sequence, content], option=_CANONICAL)).digest()


def head() -> Head:
    newest = AuditEntry.objects.filter(sequence__isnull=False).order_by("-sequence").first()
    if newest is None or newest.sequence is None or newest.digest is None:
        return Head()
    return Head(newest.sequence, bytes(newest.digest))


@transaction.atomic
def seal() -> int:
    """Number and chain the entries that are new; returns how many, at most a batch."""
    if not try_lock_for_transaction("access.seal_audit"):
        return 0
    at = head()
    fresh = list(AuditEntry.objects.filter(sequence=None).order_by("id")[:BATCH])
    for entry in fresh:
        content = {name: getattr(entry, name) for name in FIELDS}
        at = Head(at.sequence + 1, link(at.digest, at.sequence + 1, content))
        entry.sequence, entry.digest = at.sequence, at.digest
    AuditEntry.objects.bulk_update(fresh, ["sequence", "digest"])
    if fresh:
        logger.info("audit log sealed at %s", at)
    return len(fresh)


@dataclass(frozen=True, slots=True)
class Verdict:
    """How far the chain holds; `problem` says where it breaks, or is None."""

    head: Head
    problem: str | None = None


def verify(sealed: Iterable[dict[str, Any]], *, through: Head | None = None) -> Verdict:
    """Check the chain through entries (with FIELDS, sequence and digest) from the first on.

    `through` is a head noted earlier: a log that was rewritten or cut does not pass it.
    """
    at = Head()
    for entry in sealed:
        sequence = entry["sequence"]
        if sequence != at.sequence + 1:
            return Verdict(at, f"Entry {at.sequence + 1} is missing: {sequence} comes next.")
        digest = link(at.digest, sequence, entry)
        if digest != bytes(entry["digest"]):
            return Verdict(at, f"Entry {sequence} is not what was sealed.")
        at = Head(sequence, digest)
        if through is not None and sequence == through.sequence and at != through:
            return Verdict(at, f"Entry {sequence} is not the one that {through} was noted for.")
    if through is not None and at.sequence < through.sequence:
        return Verdict(at, f"The log ends at {at.sequence}, before {through}.")
    return Verdict(at)


def sealed_entries() -> Iterator[dict[str, Any]]:
    """All sealed entries in the order of the chain, streamed."""
    rows = AuditEntry.objects.filter(sequence__isnull=False).order_by("sequence")
    yield from rows.values(*FIELDS, "sequence", "digest").iterator(chunk_size=2000)
