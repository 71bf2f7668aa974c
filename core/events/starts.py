"""The event of a process's start: what a restart or another version looks like in the history."""

from __future__ import annotations

from datetime import timedelta

from core import ids
from core.events.models import Event
from core.events.operations import publish
from core.processes import catching_up, runtime
from core.processes.models import Process
from core.processes.queries import PREFIX

STARTED = "process.started"
CATCH_UP = "events.process_started"
STARTUP = timedelta(minutes=1)  # that the processes of an instance take to come up one by one


@catching_up.register(CATCH_UP)
def tell_of_start() -> None:
    """Publish `process.started`, once in the life of a main process.

    Its row says when it started, so this waits for the first heartbeat. `previous_version` is
    that of the newest process of the role before it, None for the first there ever was;
    `instance_started` whether the whole instance came up, not just this process.
    """
    identity = runtime.identity()
    if identity is None or not identity.is_main:
        return
    row = Process.objects.filter(pk=identity.id).first()
    if row is None:
        catching_up.fall_behind(CATCH_UP)
        return
    subject = ids.external(PREFIX, row.pk)
    if Event.objects.filter(name=STARTED, subject=subject).exists():
        return  # an earlier attempt was committed, though it didn't look like it
    payload = {
        "role": row.role,
        "node": row.node,
        "pid": row.pid,
        "version": row.version,
        "previous_version": _version_before(row),
        "instance_started": row.started_at - row.run_started_at < STARTUP,
        "started_at": row.started_at,
    }
    publish(STARTED, subject=subject, payload=payload)


def _version_before(row: Process) -> str | None:
    mains = Process.objects.filter(role=row.role, parent_pid=None, started_at__lt=row.started_at)
    return mains.order_by("-started_at").values_list("version", flat=True).first()
