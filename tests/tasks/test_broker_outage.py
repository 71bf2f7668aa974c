"""The broker stopped or frozen: starting a task is accepted all the same, and quickly."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from django.test import Client

from nexus.celery import app
from nexus.stack import binaries
from tasks import doorbell
from tasks.models import FINISHED, Task
from tests.servers import start_valkey
from tests.tasks.workers import start, wait_for
from tests.waiting import until

ACCEPTED_SECONDS = 5.0
RUN_SECONDS = 30.0  # after the broker's return


class Broker:
    """A Valkey that can be stopped, frozen and started again at the same address."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process, self.url = start_valkey(folder, "broker")

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        self.thaw()
        self.process.kill()
        self.process.wait(10)

    def start(self) -> None:
        """Empty, as one that keeps nothing on disk comes back."""
        self.process = subprocess.Popen(
            binaries.valkey_command(self.folder / "broker"),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


@pytest.fixture
def broker(engine, tmp_path, settings) -> Iterator[Broker]:
    broker = Broker(tmp_path)
    before = app.conf.broker_url
    settings.BROKER_URL = broker.url
    use(broker.url)
    yield broker
    broker.stop()
    use(before)
    doorbell.reset()


def use(url: str) -> None:
    """Have this process send its messages there."""
    app.conf.broker_url = url
    app._after_fork()  # drops the pool of connections


@pytest.fixture
def failed(engine) -> Task:
    """A task that can be retried: the shortest POST that starts a job."""
    task = start("specimen.plain")
    Task.objects.filter(pk=task.pk).update(status="failed")
    return task


def post(api: Client, failed: Task, count: int) -> list[float]:
    """Retry that many times; returns the seconds that each POST took."""
    taken = []
    for _ in range(count):
        began = time.monotonic()
        response = api.post(f"/api/v1/tasks/{failed.external_id}/retry")
        taken.append(time.monotonic() - began)
        assert response.status_code == 202
    return taken


def passed(moment: float) -> bool:
    return time.monotonic() >= moment


def all_end() -> bool:
    return not Task.objects.exclude(status__in=FINISHED).exists()


@pytest.mark.parametrize("fault", ["stop", "freeze"])
def test_tasks_are_accepted_while_the_broker_is_away_and_run_when_it_is_back(
    broker, failed, workers, api, fault
):
    workers()
    wait_for(start("specimen.plain"), "completed")
    getattr(broker, fault)()
    taken = post(api, failed, 20)
    assert max(taken) < ACCEPTED_SECONDS
    assert sum(taken) < 3 * ACCEPTED_SECONDS
    assert not all_end()
    {"stop": broker.start, "freeze": broker.thaw}[fault]()
    until(all_end, seconds=RUN_SECONDS)


@pytest.mark.storm
@pytest.mark.timeout(300)
def test_a_minute_without_broker(broker, failed, workers, api, record_testsuite_property):
    workers()
    wait_for(start("specimen.plain"), "completed")
    broker.stop()
    stopped = time.monotonic()
    taken: list[float] = []
    for second in range(1, 61):
        taken += post(api, failed, 3)
        until(partial(passed, stopped + second))
    broker.start()
    began = time.monotonic()
    until(all_end, seconds=RUN_SECONDS)
    record_testsuite_property("posts", len(taken))
    record_testsuite_property("slowest_post_seconds", round(max(taken), 3))
    record_testsuite_property("seconds_until_all_had_run", round(time.monotonic() - began, 1))
    assert max(taken) < ACCEPTED_SECONDS
