"""The control channel: tell every process of the instance something, and hear what it says.

A command is a row, so none is lost; the doorbell in Valkey only makes it quick (2 ms instead
of up to half a second). A command is carried out once by every process that is alive.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any
from uuid import UUID

from django.db import DatabaseError, connection, transaction

from core import ids
from core.errors import NotFound
from core.processes import catching_up, doorbell, queries
from core.processes.identity import Identity
from core.processes.inbox import Inbox
from core.processes.models import Acknowledgement, Command
from core.registry import Registry

logger = logging.getLogger(__name__)

Handler = Callable[[dict[str, Any]], "dict[str, Any] | None"]

handlers: Registry[Handler] = Registry("command")
handler = handlers.register
"""Decorator: carry out the command of this name in every process.

The function gets the payload and returns a small JSON document or None. It must be quick:
one thread carries out all the commands of a process. Raising is an answer too.
"""

FIRST_LOOK_SECONDS, LAST_LOOK_SECONDS = 0.002, 0.05


@dataclass(frozen=True)
class BroadcastResult:
    """Who has carried out a command within the time the caller waited.

    By the ids of processes (`proc_…`): `acknowledged` those who answered, `missing` those who
    were alive and did not, `answers` what the handlers returned, `errors` what they raised.
    All are empty when nobody waited.
    """

    acknowledged: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    answers: dict[str, Any] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def unanswered(self) -> list[str]:
        """Those who did not say that they carried it out."""
        return sorted({*self.missing, *self.errors})


class Member:
    """This process as one that listens to the control channel."""

    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        self.inbox = Inbox(lambda: identity.age)
        self.doorbell: doorbell.Doorbell | None = None


_member: Member | None = None
_member_lock = threading.Lock()


def join(identity: Identity) -> Member:
    global _member
    with _member_lock:
        _member = Member(identity)
        catching_up.begin()
        return _member


def leave() -> None:
    global _member
    _member = None


def broadcast(
    name: str, payload: Mapping[str, Any], *, wait_seconds: float = 0.0
) -> BroadcastResult:
    """Tell every process that is alive, this one included, when the transaction commits.

    With `wait_seconds` it collects the answers for at most that long, and must be called
    outside of a transaction: raises TransactionManagementError within one.
    """
    if wait_seconds > 0 and connection.in_atomic_block:
        raise transaction.TransactionManagementError(
            "Processes see a command when it is committed: don't wait for them in a transaction."
        )
    deadline = time.monotonic() + wait_seconds
    expected = list(queries.running().values_list("pk", flat=True)) if wait_seconds > 0 else []
    member = _member
    with transaction.atomic():
        command = Command.objects.create(name=name, payload=dict(payload))
        if member is not None:
            member.inbox.claim(command)  # before the commit shows it to this process's reader
        transaction.on_commit(partial(_spread, command, member), robust=True)
    return _collect(command, expected, deadline) if wait_seconds > 0 else BroadcastResult()


def _spread(command: Command, member: Member | None) -> None:
    """Carry it out here without a detour, and ring at the others."""
    if member is None or member.doorbell is None or member.doorbell.connected:
        doorbell.ring(channel())  # when the doorbell is known to be deaf, the others poll
    if member is None:
        _answer(command)
    else:
        carry_out(command, member.identity)


@cache
def channel() -> str:
    """Valkey's channels are shared by all its databases, so the name tells instances apart."""
    return f"nexus:{queries.instance_id()}:control"


def carry_out(command: Command, identity: Identity) -> None:
    """Run the handler in this process and acknowledge the command, whatever comes of it."""
    answer, error = _answer(command)
    try:
        Acknowledgement.objects.create(
            command_id=command.pk, process_id=identity.id, answer=answer, error=error
        )
    except DatabaseError as failure:
        logger.info("could not acknowledge the command %s: %s", command.name, failure)


def _answer(command: Command) -> tuple[dict[str, Any] | None, str]:
    try:
        return handlers.get(command.name)(command.payload), ""
    except NotFound as unknown:  # of a newer or older version of the program
        return None, unknown.message
    except Exception as error:
        logger.exception("the command %s failed", command.name)
        return None, f"{type(error).__name__}: {error}"


def _collect(command: Command, expected: list[UUID], deadline: float) -> BroadcastResult:
    pause = FIRST_LOOK_SECONDS
    awaited = queries.running().filter(pk__in=expected)
    missing = awaited.exclude(
        pk__in=Acknowledgement.objects.filter(command_id=command.pk).values("process_id")
    )
    while missing.exists() and (left := deadline - time.monotonic()) > 0:
        time.sleep(min(pause, left))
        pause = min(pause * 1.5, LAST_LOOK_SECONDS)
    acknowledgements = {
        ids.external(queries.PREFIX, each.process_id): each
        for each in Acknowledgement.objects.filter(command_id=command.pk)
    }
    return BroadcastResult(
        acknowledged=list(acknowledgements),
        missing=[
            ids.external(queries.PREFIX, each) for each in missing.values_list("pk", flat=True)
        ],
        answers={key: each.answer for key, each in acknowledgements.items() if not each.error},
        errors={key: each.error for key, each in acknowledgements.items() if each.error},
    )
