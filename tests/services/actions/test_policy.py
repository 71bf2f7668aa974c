"""Services that are restarted by themselves, and when that is given up."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from core.alerts.models import Alert
from core.events.models import Event
from core.processes import loops
from services.actions import policy
from services.health.models import MaintenanceWindow
from services.probing.operations import look
from services.registry.definitions import RestartPolicy
from services.registry.models import DesiredState, Service, State
from tasks.models import Task
from tests.services.actions.doing import asked, ran, state

POLICY = {"after_failures": 2, "max_attempts": 2, "backoff_seconds": 10, "max_backoff_seconds": 60}


@pytest.fixture
def ill(defined):
    """Make a service that has failed as often as its policy wants to see."""

    def made(name: str = "web", *needs: str, **given) -> State:
        service = defined(name, *needs, **{"restart_policy": POLICY, **given})
        State.objects.filter(service=service).update(
            health="unhealthy", status="failed", reason="it hangs", failures_in_a_row=2
        )
        return state(name)

    return made


def acts() -> list[Task]:
    return list(Task.objects.filter(type="services.act").order_by("created_at"))


def due_again(name: str = "web") -> None:
    """As if the pause were over, and the attempt had ended."""
    Task.objects.filter(type="services.act").update(status="failed")
    State.objects.filter(service__name=name).update(next_restart_at=Now())


def test_a_worker_looks_after_them(ill):
    assert loops.registry.get("services.restarts").roles == {"worker"}


def test_what_failed_often_enough_is_restarted_by_the_instance(ill):
    ill()
    policy.turn()
    [task] = acts()
    assert (task.actor_kind, task.parameters["action"]) == ("system", "restart")
    assert "Restart 1 of at most 2" in task.parameters["reason"]
    assert "it hangs" in task.parameters["reason"]
    assert state("web").automatic_restarts == 1


def test_it_comes_back_in_earnest(create, programs):
    create("web", restart_policy=POLICY | {"after_failures": 1})
    programs("web").stop()
    look(name="web")
    policy.turn()
    assert ran(acts()[0])["status"] == "completed"
    assert (programs("web").pid is not None, state("web").health) == (True, "healthy")
    policy.turn()
    assert (len(acts()), state("web").automatic_restarts) == (1, 1)  # not yet well for long


@pytest.mark.parametrize(
    "but",
    [
        {"failures_in_a_row": 1},
        {"health": "degraded"},
        {"health": "unknown"},
        {"next_restart_at": timezone.now() + timedelta(hours=1)},
        {"automatic_restarts": 3},
    ],
)
def test_it_is_left_alone(ill, but):
    ill()
    State.objects.update(**but)
    policy.turn()
    assert acts() == []


def test_what_has_no_policy_or_is_stopped_on_purpose_is_left_alone(ill):
    ill("web", restart_policy=None)
    ill("jobs")
    Service.objects.filter(name="jobs").update(desired_state=DesiredState.STOPPED)
    policy.turn()
    assert acts() == []


def test_nothing_is_restarted_for_what_it_needs(ill):
    """By way of another, too: that one has a policy of its own."""
    ill("db", restart_policy=None)
    ill("cache", "db", restart_policy=None)
    State.objects.filter(service__name="cache").update(health="healthy")
    ill("web", "cache")
    policy.turn()
    assert acts() == []
    State.objects.filter(service__name="db").update(health="healthy")
    policy.turn()
    assert [each.parameters["service"] for each in acts()] == ["web"]


def test_nothing_is_restarted_under_maintenance(ill):
    window = MaintenanceWindow.objects.create(
        service=ill().service, starts_at=Now(), ends_at=Now() + timedelta(hours=1), reason="Moving."
    )
    policy.turn()
    assert acts() == []
    MaintenanceWindow.objects.filter(pk=window.pk).update(ends_at=F("starts_at"))
    policy.turn()
    assert len(acts()) == 1


def test_nothing_is_restarted_that_nobody_looks_at_any_more(ill):
    """Such as on a node without a worker, which could not restart it either."""
    ill()
    Service.objects.update(changed_at=Now() - timedelta(hours=1))
    State.objects.update(probed_at=Now() - timedelta(hours=1))
    policy.turn()
    assert (acts(), state("web").automatic_restarts) == ([], 0)


def test_nothing_is_restarted_while_somebody_is_at_it(ill):
    ill()
    asked("restart", "web")
    policy.turn()
    assert len(acts()) == 1
    assert state("web").automatic_restarts == 0


def test_an_attempt_for_which_somebody_was_quicker_does_not_count(ill):
    web = ill()
    asked("restart", "web")
    policy._attempt(web, RestartPolicy(**POLICY))
    assert (len(acts()), state("web").automatic_restarts) == (1, 0)


def test_whoever_needs_it_does_not_stand_in_the_way(ill, defined):
    ill("db")
    defined("web", "db")
    State.objects.filter(service__name="web").update(status="running")
    policy.turn()
    [task] = acts()
    assert task.parameters["affected"] == ["web"]


def test_each_attempt_waits_twice_as_long_as_the_one_before(ill):
    ill(restart_policy=POLICY | {"max_attempts": 5})
    pauses = []
    for _ in range(5):
        policy.turn()
        pauses.append((state("web").next_restart_at - timezone.now()).total_seconds())
        due_again()
    assert [round(each) for each in pauses] == [10, 20, 40, 60, 60]
    assert len(acts()) == 5


def test_the_pause_begins_when_the_attempt_has_failed(create, programs):
    create("web", restart_policy=POLICY | {"after_failures": 1})
    programs("web").stop()
    programs("web").file("fails").write_text("restart")
    look(name="web")
    policy.turn()
    State.objects.update(next_restart_at=Now())
    ran(acts()[0])
    assert state("web").next_restart_at - acts()[0].completed_at > timedelta(seconds=9)


def test_it_gives_up_once_and_tells_a_person(ill):
    ill(criticality="critical")
    for _ in range(4):
        policy.turn()
        due_again()
    assert len(acts()) == 2
    [alert] = Alert.objects.filter(resolved_at=None)
    assert (alert.fingerprint, alert.severity, alert.count) == (
        "service.web.restarts", "critical", 1,
    )  # fmt: skip
    assert "it hangs" in alert.message
    [event] = Event.objects.filter(name="service.restart_given_up")
    assert (event.subject, event.payload["attempts"]) == ("web", 2)


def test_an_attempt_that_can_not_begin_counts_too(ill):
    ill(controller=None)
    for _ in range(3):
        policy.turn()
        due_again()
    assert acts() == []
    assert Alert.objects.filter(fingerprint="service.web.restarts", resolved_at=None).exists()


def test_what_is_well_for_long_enough_begins_anew(ill):
    ill()
    for _ in range(3):
        policy.turn()
        due_again()
    State.objects.update(health="healthy", since=Now() - timedelta(seconds=59))
    policy.turn()
    assert state("web").automatic_restarts == 2
    State.objects.update(since=Now() - timedelta(seconds=61))
    policy.turn()
    assert (state("web").automatic_restarts, state("web").next_restart_at) == (0, None)
    assert Alert.objects.get(fingerprint="service.web.restarts").resolved_at is not None


def given_up() -> list[str]:
    """What people were told, whether or not it still stands."""
    return list(
        Event.objects.filter(name="service.restart_given_up").values_list("subject", flat=True)
    )


def test_what_people_resolve_is_not_told_again(ill):
    ill()
    for _ in range(3):
        policy.turn()
        due_again()
    Alert.objects.update(resolved_at=Now())
    policy.turn()
    assert (given_up(), Alert.objects.filter(resolved_at=None).exists()) == (["web"], False)


def test_a_policy_with_fewer_attempts_than_there_were_gives_up_too(ill):
    ill(restart_policy=POLICY | {"max_attempts": 5})
    for _ in range(2):
        policy.turn()
        due_again()
    Service.objects.update(restart_policy=POLICY | {"max_attempts": 1})
    policy.turn()
    assert (len(acts()), given_up()) == (2, ["web"])


def test_a_policy_with_more_attempts_goes_on_where_it_gave_up(ill):
    ill()
    for _ in range(3):
        policy.turn()
        due_again()
    Service.objects.update(restart_policy=POLICY | {"max_attempts": 3})
    for _ in range(3):
        policy.turn()
        due_again()
    assert (len(acts()), given_up()) == (3, ["web", "web"])
    assert "3 times" in Alert.objects.get(resolved_at=None).title


def test_a_policy_that_is_taken_away_takes_the_alert_with_it(ill):
    ill()
    for _ in range(3):
        policy.turn()
        due_again()
    Service.objects.update(restart_policy=None)
    policy.turn()
    assert Alert.objects.get(fingerprint="service.web.restarts").resolved_at is not None


def test_a_person_who_restarts_it_gives_it_all_its_attempts_again(create):
    create("web", restart_policy=POLICY)
    State.objects.update(automatic_restarts=3)
    ran(asked("restart", "web"))
    assert state("web").automatic_restarts == 0


def test_of_many_workers_one_restarts_it(create):
    create("web", restart_policy=POLICY)
    State.objects.update(health="unhealthy", failures_in_a_row=2)
    barrier = threading.Barrier(4)

    def work() -> None:
        barrier.wait(10)
        policy.turn()
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert (len(acts()), state("web").automatic_restarts) == (1, 1)
