"""A process of the instance, as small as it can be: runs until its stdin is closed.

    python -m tests.processes.program ROLE [--fork | --supervised]

With --fork it runs a child as a worker's prefork pool does, and ends when that has ended. With
--supervised it says that somebody would start it again.
"""

from __future__ import annotations

import os
import sys
import threading
from typing import Any

import django

django.setup()

from django.db import connection  # noqa: E402

from core.events import subscribers  # noqa: E402
from core.events.models import Event  # noqa: E402
from core.processes import control, loops, queries, restarting, runtime  # noqa: E402
from tests.waiting import until  # noqa: E402

EFFECT = "effect.made"


@subscribers.register(event="test.*", name="recorder")
def record(event: Event) -> None:
    """Leave an effect of every event in the database, slowly enough to be killed at it."""
    Event.objects.create(name=EFFECT, subject=event.subject, processed_at=event.created_at)
    threading.Event().wait(event.payload.get("seconds", 0))


@control.handler("test.echo")
def echo(payload: dict[str, Any]) -> dict[str, Any]:
    return {"pid": os.getpid(), **payload}


@control.handler("test.fail")
def fail(payload: dict[str, Any]) -> None:
    raise ValueError("asked to fail")


@control.handler("test.hang")
def hang(payload: dict[str, Any]) -> None:
    threading.Event().wait(payload["seconds"])


turns = 0


@loops.register("test.turn", roles={"web", "worker"}, interval=30.0)
def turn() -> None:
    global turns
    turns += 1


@control.handler("test.turns")
def tell_turns(payload: dict[str, Any]) -> dict[str, Any]:
    return {"turns": turns}


def _query() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def main() -> None:
    role, *options = sys.argv[1:]
    if options == ["--supervised"]:
        restarting.supervisors.add("test", lambda pid: True)
    runtime.start(role)
    if options == ["--fork"]:
        until(queries.alive)
        _query()  # so that there is a connection to inherit
        if os.fork() == 0:
            runtime.start(role)
            _query()
            sys.stdin.read()
            runtime.stop()
            os._exit(0)
        os.wait()
        _query()  # which still belongs to this process alone
    sys.stdin.read()
    runtime.stop()


if __name__ == "__main__":
    main()
