from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from services.controllers.base import ActionFailed, OutcomeUnknown
from services.controllers.docker import DockerController
from tests.services.acts import Act
from tests.services.docker_engine import engine_at


@pytest.fixture
def engine(tmp_path):
    with engine_at(tmp_path / "docker.sock") as made:
        made.url = f"unix://{tmp_path}/docker.sock"
        yield made


def controller(engine, **configuration) -> DockerController:
    given = {"url": engine.url, "container": "web", **configuration}
    return DockerController(DockerController.Configuration.model_validate(given))


def test_it_is_stopped_and_started(engine):
    made = controller(engine, stop_seconds=3)

    made.stop(Act())
    assert engine.state["Status"] == "exited"
    assert "POST /containers/web/stop?t=3" in engine.asked

    made.start(Act())
    assert engine.state["Running"]


def test_what_is_so_already_is_no_failure(engine):
    made = controller(engine)

    made.start(Act())
    made.stop(Act())
    made.stop(Act())

    assert not engine.state["Running"]


def test_a_restart_is_one_request_with_the_time_to_stop(engine):
    controller(engine, stop_seconds=7).restart(Act())

    assert "POST /containers/web/restart?t=7" in engine.asked
    assert engine.state["Pid"] == 4300


@pytest.mark.parametrize("ahead", [-120, 0, 120])
def test_a_repeated_restart_leaves_alone_what_has_been_started_since(engine, ahead):
    """By the engine's own clock, however wrong that is."""
    engine.clock = timedelta(seconds=ahead)
    act = Act()
    made = controller(engine)

    made.restart(act)
    made.restart(act)

    assert len([each for each in engine.asked if "/restart" in each]) == 1
    assert act.said == ["It was started again already since this was asked for"]


def test_a_stopped_container_is_started_by_a_restart(engine):
    engine.state.update(Running=False, Status="exited", StartedAt=engine.now())

    controller(engine).restart(Act(since=datetime.now(UTC) - timedelta(hours=1)))

    assert engine.state["Running"]


def test_the_newest_lines_of_both_streams_come_in_order(engine):
    assert controller(engine).logs(3) == ["second", "a complaint", "last"]


def test_what_the_engine_refuses_is_a_failure_with_its_words(engine):
    engine.failure = (409, "removal of container web is already in progress")

    with pytest.raises(ActionFailed, match="removal of container web"):
        controller(engine).stop(Act())


def test_what_the_engine_breaks_at_is_unknown(engine):
    engine.failure = (500, "cannot stop container: tried to kill container, but did not receive"
                      " an exit event")  # fmt: skip

    with pytest.raises(OutcomeUnknown, match="did not receive an exit event"):
        controller(engine).stop(Act())


def test_what_is_not_answered_in_time_is_unknown(engine):
    engine.may_go_on.clear()

    with pytest.raises(OutcomeUnknown, match="did not answer in time"):
        controller(engine).stop(Act(seconds=0.3))


def test_an_engine_that_is_not_there_is_a_failure(engine, tmp_path):
    made = controller(engine, url=f"unix://{tmp_path}/none.sock")

    with pytest.raises(ActionFailed, match=r"none\.sock can't be reached"):
        made.restart(Act())
    with pytest.raises(ActionFailed, match=r"none\.sock can't be reached"):
        made.logs(3)
