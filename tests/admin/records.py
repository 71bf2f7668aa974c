"""Records for the pages to show."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from core import ids
from core.access import audit, operations
from core.access.actor import SYSTEM
from core.access.models import ApiKey, AuditEntry
from core.alerts.models import Alert
from core.alerts.operations import raise_alert
from core.config.models import ConfigRevision
from core.events.models import Delivery, Event
from core.processes.models import Process
from services.diagnostics.models import DiagnosticResult
from tasks.models import Status, Task, TaskLog, TaskStep


def task(status: str = Status.RUNNING, type: str = "diagnostics.run", **fields: Any) -> Task:
    """A task as a worker would have left it, with two steps and a line of log."""
    now = timezone.now()
    begun = status != Status.PENDING
    ended = status in (Status.COMPLETED, Status.FAILED, Status.CANCELLED)
    made = Task.objects.create(
        type=type,
        status=status,
        progress=0.4 if begun else 0.0,
        parameters={"components": ["database"], "tests": ["connectivity", "performance"]},
        timeout=60.0,
        queue="default",
        max_attempts=3,
        attempts=int(begun),
        actor_kind="user",
        actor_id="1",
        actor_name="ada",
        started_at=now - timedelta(seconds=9) if begun else None,
        completed_at=now if ended else None,
        **fields,
    )
    for position, name in enumerate(("database connectivity", "database performance")):
        TaskStep.objects.create(task=made, position=position, name=name, weight=1)
    TaskLog.objects.create(task=made, level="INFO", message="Connected <b>at once</b>.")
    return made


def run(status: str = Status.COMPLETED) -> Task:
    """A run of diagnostics with one result and its comparison."""
    made = task(status, result={"outcomes": {"pass": 1}})
    DiagnosticResult.objects.create(
        run=made.pk,
        component="database",
        test="connectivity",
        status="pass",
        duration_ms=12.5,
        figures={"response_time_ms": 1.25},
        comparison={
            "figure": "response_time_ms", "value": 1.25, "usual": 1.0, "runs": 5,
            "ratio": 1.25, "worse": False, "message": "response_time_ms is 1.25, usually 1",
        },
        finished_at=timezone.now(),
    )  # fmt: skip
    return made


def key(name: str = "ci", scopes: tuple[str, ...] = ("read:system",)) -> ApiKey:
    made, _ = operations.create_key(name=name, scopes=scopes, actor=SYSTEM)
    return made


def entry(action: str = "thing.change", target: str = "thing_1") -> AuditEntry:
    return audit.record(actor=SYSTEM, action=action, target=target, details={"size": 3})


def process(role: str = "worker", **fields: Any) -> Process:
    return Process.objects.create(node="node-1", pid=4242, role=role, version="0.1.0", **fields)


def alert(fingerprint: str = "", **given: Any) -> Alert:
    usual = {"source": "test", "severity": "critical", "title": "Part is gone", "message": "Gone."}
    details = {"size": 3}
    name = fingerprint or f"test.part.{Alert.objects.count()}"
    return raise_alert(fingerprint=name, details=details, **{**usual, **given})


def event() -> Event:
    made = Event.objects.create(name="thing.changed", subject="thing_1", payload={"size": 3})
    Delivery.objects.create(event=made, subscriber="listener", attempts=1)
    return made


def revision() -> ConfigRevision:
    """A change of an option that isn't there any more."""
    number = ConfigRevision.objects.count() + 1
    return ConfigRevision.objects.create(
        number=number,
        actor_kind="user",
        actor_id="1",
        actor_name="ada",
        reason="Too slow <b>by far</b>.",
        changes={"away.share": {"before": None, "after": {"value": number}}},
    )


def external(prefix: str, record: Any) -> str:
    return ids.external(prefix, record.pk)
