from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from celery import Celery

from services.controllers import celery as celery_controller
from services.controllers.base import ActionFailed
from services.controllers.celery import CeleryController, Worker
from tests.services.acts import Act
from tests.services.fleets import WORKER
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("loopback_allowed")


def controller(fleet: str, **configuration: object) -> CeleryController:
    given = {"broker_url": fleet, "reply_wait": 0.3, **configuration}
    return CeleryController(CeleryController.Configuration.model_validate(given))


def the_worker(fleet: str) -> Worker:
    return until(lambda: controller(fleet)._workers(Act()).get(WORKER), seconds=20)


def test_a_restart_shuts_workers_down_and_waits_for_their_successors(fleet):
    before = the_worker(fleet)
    act = Act()

    controller(fleet).restart(act)

    assert the_worker(fleet).pid != before.pid
    assert act.said == ["1 of 1 workers shut down when their tasks are done"]


def test_a_repeated_restart_leaves_alone_what_has_been_renewed(fleet):
    before = the_worker(fleet)
    long_ago = datetime.now(UTC) - timedelta(hours=1)

    controller(fleet).restart(Act(since=long_ago))

    assert the_worker(fleet).pid == before.pid


def test_a_repeated_restart_waits_for_workers_that_are_on_their_way_back(fleet):
    before = the_worker(fleet)
    act = Act()
    made = controller(fleet)
    with made._connected(act) as workers:
        workers.tell("shutdown", to=[WORKER])  # and then the process of the act was lost
    until(lambda: not made._workers(act))

    made.restart(act)

    assert the_worker(fleet).pid != before.pid


def test_a_restart_of_pools_replaces_every_process_and_no_worker(fleet):
    before = the_worker(fleet)

    controller(fleet, renew="pool").restart(Act())

    after = the_worker(fleet)
    assert after.pid == before.pid
    assert len(after.processes) == len(before.processes) == 3
    assert not after.processes & before.processes


def test_a_process_is_replaced_once_its_task_is_done(fleet):
    sender = Celery(broker=fleet, set_as_current=False)
    sender.send_task("tests.services.fleet.busy", [1], queue="fleet")
    made = controller(fleet, renew="pool")

    def active() -> list[dict]:
        with made._connected(Act()) as workers:
            return workers.ask("active", of=[WORKER])[WORKER]

    (task,) = until(active)
    made.restart(Act())

    assert task["worker_pid"] not in the_worker(fleet).processes
    assert not active()


def test_without_a_worker_there_is_nothing_to_restart(fleet, monkeypatch):
    monkeypatch.setattr(celery_controller, "SETTLE_SECONDS", 0.0)
    with pytest.raises(ActionFailed, match="No worker answers"):
        controller(fleet, workers="shop-*").restart(Act())
    with pytest.raises(ActionFailed, match="No worker answers"):
        controller(fleet, workers="shop-*", renew="pool").restart(Act())


def test_a_broker_that_nobody_runs_is_a_failure():
    with pytest.raises(ActionFailed, match="Connection refused"):
        controller("redis://127.0.0.1:1/0").restart(Act())
