"""What becomes of services that are started, stopped and restarted."""

from __future__ import annotations

import pytest

from core import options
from core.access.models import AuditEntry
from core.alerts.models import Alert
from core.events.models import Event
from services.registry.models import DesiredState
from tasks.models import Task
from tests.services.actions.doing import asked, desired, done, ran, ran_beside, state, told
from tests.waiting import until


def events(name: str) -> list[str]:
    """Those of a service that its actions have published."""
    found = Event.objects.filter(subject=name).exclude(
        name__in=("service.created", "service.health_changed", "service.status_changed")
    )
    return list(found.order_by("created_at", "id").values_list("name", flat=True))


def test_a_restart_gives_another_process_and_waits_until_it_is_healthy(create, programs):
    create("web")
    before = programs("web").pid
    document = done("restart", "web", reason="It leaks.")
    assert document["status"] == "completed"
    assert programs("web").pid not in (None, before)
    [report] = document["services"]
    assert (report["service"], report["action"], report["status"]) == (
        "web",
        "restart",
        "completed",
    )
    assert 0 < report["duration_ms"] <= document["duration_ms"]
    assert (state("web").status, state("web").health) == ("running", "healthy")


def test_what_is_still_starting_is_not_up_yet(create, programs):
    """As a container whose health check has not passed: nothing is wrong, but it isn't there."""
    create("web")
    programs("web").file("starting").write_text("its check has not passed yet")
    task = asked("restart", "web", timeout_seconds=30)
    with ran_beside(task):
        until(lambda: state("web").reason == "its check has not passed yet")
        first = state("web").probed_at
        until(lambda: state("web").probed_at > first)
        assert told(task)["status"] == "running"
        programs("web").file("starting").unlink()
    assert told(task)["status"] == "completed"


def test_it_is_told_and_written_down_who_did_what_and_why(create):
    create("web")
    task = asked("restart", "web", reason="It leaks.")
    ran(task)
    event = Event.objects.get(name="service.restarted")
    assert (event.subject, event.actor) == ("web", "user:anna")
    assert event.payload["reason"] == "It leaks."
    assert event.payload["task_id"] == task.external_id
    assert event.payload["duration_ms"] > 0
    entry = AuditEntry.objects.get(action="service.restart")
    assert (entry.target, entry.actor_name, entry.outcome) == ("web", "anna", "success")
    assert entry.details["reason"] == "It leaks."


def test_a_cascade_goes_down_and_up_in_the_order_of_dependency(create, programs):
    create("db")
    create("web", "db")
    create("jobs", "db", controller="restarter")
    create("shop", "web", controller=None)
    document = done("restart", "db", cascade=True)
    assert programs("db").acts() == [
        "stop web", "restart db", "restart jobs", "start web",
    ]  # fmt: skip
    assert [(each["service"], each["status"]) for each in document["services"]] == [
        ("web", "completed"), ("db", "completed"), ("jobs", "completed"), ("web", "completed"),
    ]  # fmt: skip
    assert document["affected"] == ["shop"]
    assert desired("web") == DesiredState.RUNNING
    assert {state(name).status for name in ("db", "web", "jobs")} == {"running"}
    assert events("web") == ["service.stopped", "service.started"]


def test_a_stopped_service_is_so_on_purpose_until_it_is_started(create, programs):
    create("web")
    assert done("stop", "web")["status"] == "completed"
    assert programs("web").pid is None
    assert (desired("web"), state("web").status) == ("stopped", "stopped")
    assert Alert.objects.count() == 0
    assert done("start", "web")["status"] == "completed"
    assert (desired("web"), state("web").status, state("web").health) == (
        "running", "running", "healthy",
    )  # fmt: skip
    assert events("web") == ["service.stopped", "service.started"]


def test_what_the_controller_refuses_is_told_as_it_says_it(create, programs):
    create("web")
    programs("web").file("fails").write_text("restart")
    document = done("restart", "web")
    error = {"code": "action_failed", "message": "web refuses to restart"}
    assert (document["status"], document["error"]) == ("failed", error)
    assert document["services"][0]["error"] == error
    assert events("web") == ["service.action_failed"]
    assert AuditEntry.objects.get(action="service.restart").outcome == "failure"
    assert state("web").acting is None


def test_a_service_that_does_not_become_healthy_in_time_fails_with_the_last_reason(
    create, programs
):
    create("web")
    programs("web").file("ill").write_text("no disk space")
    document = done("restart", "web", timeout_seconds=1.0)
    assert document["error"]["code"] == "not_healthy_in_time"
    assert "no disk space" in document["error"]["message"]
    assert document["services"][0]["status"] == "failed"
    assert document["services"][0]["duration_ms"] >= 900
    assert (state("web").status, state("web").acting) == ("unknown", None)


def test_a_controller_that_does_not_end_is_stopped_when_its_time_is_over(create, programs):
    create("web")
    programs("web").file("hangs").write_text("restart")
    document = done("restart", "web", timeout_seconds=1.0)
    assert document["error"]["code"] == "action_timed_out"


def test_it_is_not_over_before_what_was_asked_for_has_come_about(create, programs):
    create("web", controller="slow")
    programs("web").file("old").touch()
    document = done("restart", "web", timeout_seconds=1.0)
    assert document["error"]["code"] == "not_healthy_in_time"
    assert "has not come about" in document["error"]["message"]
    programs("web").file("old").unlink()
    assert done("restart", "web")["status"] == "completed"


@pytest.mark.option("services.restart_timeout_seconds")
def test_a_service_has_the_configured_time_unless_it_is_given(create):
    create("web")
    with options.replaced({"services.restart_timeout_seconds": 7.0}):
        assert ran_with(asked("restart", "web")) == 7.0
        assert ran_with(asked("restart", "web", timeout_seconds=9.0)) == 9.0


def ran_with(task: Task) -> float:
    ran(task)
    return task.parameters["timeout_seconds"]


def test_a_stop_that_fails_is_no_longer_desired(create, programs):
    create("web")
    programs("web").file("fails").write_text("stop")
    assert done("stop", "web")["status"] == "failed"
    assert (desired("web"), state("web").status) == ("running", "running")


def test_a_failed_restart_leaves_no_dependent_stopped(create, programs):
    create("db")
    create("web", "db")
    create("shop", "web")
    programs("db").file("fails").write_text("restart")
    document = done("restart", "db", cascade=True)
    assert [each["status"] for each in document["services"]] == [
        "completed", "completed", "failed", "cancelled", "cancelled",
    ]  # fmt: skip
    assert programs("db").acts()[-2:] == ["start web", "start shop"]
    assert None not in (programs("web").pid, programs("shop").pid)


def test_while_it_restarts_readers_see_that(create, programs):
    create("db")
    create("web", "db")
    programs("db").file("ill").write_text("still starting")
    with ran_beside(asked("restart", "db", cascade=True, timeout_seconds=30.0)):
        until(lambda: "restart db" in programs("db").acts() and state("db").failures_in_a_row > 0)
        seen = {state(name).status for name in ("db", "web")}
        assert Alert.objects.count() == 0
        programs("db").file("ill").unlink()
    assert seen == {"restarting"}
    assert {state(name).status for name in ("db", "web")} == {"running"}
