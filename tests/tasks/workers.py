"""Real workers and beats as processes of their own, against the database of the test."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil
from django.conf import settings
from django.db import connection

from core.access.actor import SYSTEM
from tasks import operations
from tasks.models import Task, TaskLog
from tests.waiting import until


def environment() -> dict[str, str]:
    """This process's, with the database that the test uses."""
    database = connection.settings_dict
    url = (
        f"postgresql://{database['USER']}:{database['PASSWORD']}"
        f"@{database['HOST']}:{database['PORT']}/{database['NAME']}"
    )
    return {**os.environ, "DATABASE_URL": url, "BROKER_URL": settings.BROKER_URL}


class Worker:
    """`celery -A nexus worker`, with the specimens loaded."""

    def __init__(self, *, concurrency: int = 2, **variables: str) -> None:
        self.log = Path(tempfile.mkstemp(prefix="nexus-worker-", suffix=".log")[1])
        self.process = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "nexus", *self.arguments(concurrency)],
            env={**environment(), **variables},
            stdout=self.log.open("wb"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def arguments(self, concurrency: int) -> list[str]:
        quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat")
        return [
            *("worker", *quiet, "-c", str(concurrency), "-l", "INFO"),
            *("-I", "tests.tasks.specimens", "-n", f"{self.log.stem}@localhost"),
        ]

    def ready(self, seconds: float = 30.0) -> Worker:
        until(lambda: " ready." in self.said() or self.process.poll() is not None, seconds=seconds)
        assert self.process.poll() is None, self.said()
        return self

    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children()

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        """As the machine would: the whole group at once, without a word."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait(10)

    def stop(self, seconds: float = 30.0) -> None:
        """As a supervisor would: politely, then not."""
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                pass
        self.kill()
        self.log.unlink(missing_ok=True)


class Beat(Worker):
    """`celery -A nexus beat`; it knows no specimens."""

    def arguments(self, concurrency: int) -> list[str]:
        return ["beat", "-l", "INFO"]


class Crowd:
    """Workers that are started again when they die, as a supervisor does."""

    def __init__(self, size: int, concurrency: int, kind: type[Worker] = Worker) -> None:
        self.concurrency = concurrency
        self.kind = kind
        self.workers = [kind(concurrency=concurrency) for _ in range(size)]

    def ready(self) -> list[int]:
        return [n for n, each in enumerate(self.workers) if " ready." in each.said()]

    def kill_one(self, choice: random.Random) -> None:
        """A child, a main process or a whole worker, of one that is at work; and whatever
        died is started again."""
        position = choice.choice(until(self.ready, seconds=30))
        worker = self.workers[position]
        try:
            children = worker.children()
        except psutil.NoSuchProcess:
            children = []
        what = choice.choice(["child", "main", "group"])
        if what == "child" and children:
            choice.choice(children).kill()
            return
        if what == "main":
            os.kill(worker.process.pid, signal.SIGKILL)
            worker.process.wait(10)
        worker.kill()
        worker.log.unlink(missing_ok=True)
        self.workers[position] = self.kind(concurrency=self.concurrency)

    def end(self) -> None:
        for worker in self.workers:
            worker.kill()
            worker.log.unlink(missing_ok=True)


def start(job_type: str, **parameters: Any) -> Task:
    return operations.start(job_type, parameters=parameters, actor=SYSTEM)


def fresh(task: Task) -> Task:
    return Task.objects.get(pk=task.pk)


def wait_for(task: Task, *statuses: str, seconds: float = 30.0) -> Task:
    """The task once its shown status is one of these."""
    try:
        until(lambda: fresh(task).shown_status in statuses, seconds=seconds)
    except AssertionError as error:
        row = Task.objects.filter(pk=task.pk).values().get()
        said = list(TaskLog.objects.filter(task=task).values_list("message", flat=True))
        raise AssertionError(f"not {' or '.join(statuses)}: {row}, {said}") from error
    return fresh(task)


def effects(task_id: UUID) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT step FROM specimen_effect WHERE task_id = %s ORDER BY at", [task_id])
        return [row[0] for row in cursor.fetchall()]
