"""Bringing every stored secret under the first key of NEXUS_ENCRYPTION_KEYS."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from core.access import audit
from core.access.actor import Actor
from core.config import journal, secrets
from core.config.models import ConfigEntry, ConfigRevision
from core.config.secrets import Unreadable
from core.events.operations import publish
from core.registry import Registry

Renew = Callable[[str, str], str]  # a ciphertext and where it stands: the same secret anew
Rotate = Callable[[Renew], None]

# Who else stores what `core.config.secrets` encrypts: it replaces each ciphertext by the new one.
holders: Registry[Rotate] = Registry("holder of secrets")


def rotate_keys(*, actor: Actor) -> dict[str, Any]:
    """Encrypt the secrets of entries, revisions and all `holders` anew; the values stay.

    Returns how many were `rotated` and the places of those `unreadable`, which no key opens
    and which stay as they are: the keys of entries, those of revisions with their number.
    """
    with journal.alone():
        rotation = _Rotation()
        for entry in ConfigEntry.objects.exclude(ciphertext="").order_by("key"):
            entry.ciphertext = rotation.rotated(entry.ciphertext, entry.key)
            entry.save(update_fields=["ciphertext"])
        for revision in ConfigRevision.objects.order_by("number").iterator(chunk_size=100):
            before = rotation.count
            for key, change in revision.changes.items():
                for side in change.values():
                    if side is not None and "ciphertext" in side:
                        place = f"{key} (revision {revision.number})"
                        side["ciphertext"] = rotation.rotated(side["ciphertext"], place)
            if rotation.count > before:
                revision.save(update_fields=["changes"])
        for rotate in holders:
            rotate(rotation.rotated)
        done = {"rotated": rotation.count, "unreadable": rotation.unreadable}
        audit.record(actor=actor, action="config.rotate_keys", target="config", details=done)
        publish("config.keys_rotated", subject="config", payload=done, actor=str(actor))
    return done


class _Rotation:
    def __init__(self) -> None:
        self.count = 0
        self.unreadable: list[str] = []

    def rotated(self, ciphertext: str, place: str) -> str:
        try:
            renewed = secrets.rotate(ciphertext)
        except Unreadable:
            self.unreadable.append(place)
            return ciphertext
        self.count += 1
        return renewed
