"""Programs of a real supervisord, acted upon as an operator would."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from core.access.actor import SYSTEM
from services.actions import operations as actions
from services.probing.operations import look
from services.registry import operations
from tests.services import supervision
from tests.services.actions.doing import ANNA, asked, done, ran, state
from tests.services.supervision import Supervision

TALKS = "import time; print('up', flush=True); time.sleep(600)"
COMMAND = f'{sys.executable} -c "{TALKS}"'


@pytest.fixture(scope="module")
def supervisord() -> Iterator[Supervision]:
    own = {"command": COMMAND, "startsecs": 0, "autorestart": "true"}
    with supervision.running({f"program:{name}": own for name in ("db", "web", "shop")}) as made:
        yield made


@pytest.fixture
def chain(create, supervisord) -> None:
    """The shop needs web, and web needs the database."""
    for name, needs in (("db", []), ("web", ["db"]), ("shop", ["web"])):
        where = {"type": "supervisord", **supervisord.place(name)}
        document = {
            "name": name, "type": "Program", "dependencies": needs,
            "probe": {**where, "failure_threshold": 1}, "controller": where,
        }  # fmt: skip
        operations.create(document=document, actor=SYSTEM)
        look(name=name)


def pids() -> dict[str, int]:
    return {name: state(name).figures["pid"] for name in ("db", "web", "shop")}


def test_a_cascade_gives_each_program_another_process(chain):
    before = pids()
    document = done("restart", "db", cascade=True, timeout_seconds=30)
    assert (document["status"], document["error"]) == ("completed", None)
    assert [f"{each['action']} {each['service']}" for each in document["services"]] == [
        "stop shop", "stop web", "restart db", "start web", "start shop",
    ]  # fmt: skip
    after = pids()
    assert all(after[name] != before[name] for name in before)


def test_stopped_programs_stay_so_until_they_are_started(chain):
    assert done("stop", "web", cascade=True)["status"] == "completed"
    look(name="web")
    assert (state("web").status, state("web").health) == ("stopped", "unknown")
    assert state("web").reason == "Stopped by user:anna."
    task = asked("start", "shop", cascade=True)
    assert [each["service"] for each in task.parameters["acts"]] == ["web", "shop"]
    assert ran(task)["status"] == "completed"
    assert (state("web").status, state("web").health) == ("running", "healthy")


def test_the_log_is_the_one_of_the_program(chain):
    assert actions.read_logs(name="db", lines=1, actor=ANNA) == ["up"]
