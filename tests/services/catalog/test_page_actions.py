"""Restarting, starting, stopping and deleting in the admin, and the log of a service."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import reverse

from services.controllers import base as controllers
from services.registry.models import DesiredState, Service, State
from tasks.models import Status, Task
from tests.admin.conftest import offences, said
from tests.admin.conftest import person as person
from tests.admin.conftest import superuser as superuser
from tests.admin.forms import form, shown
from tests.services.catalog.answers import seen
from tests.services.specimens import WORD, DoorController

pytestmark = pytest.mark.django_db
DOOR = {"type": "door", "token": WORD}
HOSTILE = "<script>alert(1)</script>"


class TalkingController(DoorController):
    has_logs = True

    def logs(self, lines: int) -> list[str]:
        return [f"line {number} {HOSTILE}" for number in range(lines)]


@pytest.fixture
def talking() -> Iterator[None]:
    controllers.register("talking", title="Talking")(TalkingController)
    yield
    controllers.registry.remove("talking")


def address(page: str, name: str = "shop") -> str:
    return reverse(f"admin:services_service_{page}", args=[name])


def press(client: Client, page: str, **data: str):
    """Confirm what the page shows."""
    given = form(client.get(address(page)), "")
    return client.post(address(page), {**given, **data})


@pytest.fixture
def shop(create) -> Service:
    """It runs, and so does the page that needs it."""
    service = create(controller=DOOR)
    seen(service)
    seen(create("page", dependencies=["shop"], controller=DOOR))
    return service


class TestRestarting:
    def test_the_plan_is_shown_first(self, superuser, shop):
        page = superuser.get(address("restart"))
        text = shown(page)
        steps = [text.index(each) for each in ("Stop <a", "Restart <a", "Start <a")]
        assert steps == sorted(steps)
        assert "Restart what needs it, too" in text
        assert "page needs it and runs." in text
        assert not Task.objects.exists()
        assert offences(page) == []

    def test_who_confirms_begins_a_task(self, superuser, shop):
        answer = press(superuser, "restart", cascade="on", reason=HOSTILE)
        task = Task.objects.get()
        assert answer["Location"] == reverse("admin:tasks_task_change", args=[task.pk])
        assert task.parameters["others"] == "cascade"
        assert task.parameters["reason"] == HOSTILE
        assert task.actor_name == "superuser"
        assert State.objects.get(service=shop).acting == task

    def test_others_are_not_restarted_unasked(self, superuser, shop):
        answer = press(superuser, "restart", reason="because")
        assert "Others are concerned" in shown(answer)
        assert 'value="because"' in shown(answer)
        assert not Task.objects.exists()

    def test_what_is_not_as_it_was_shown_is_not_done(self, superuser, shop, create):
        given = form(superuser.get(address("restart")), "")
        seen(create("late", dependencies=["shop"], controller=DOOR))
        answer = superuser.post(address("restart"), {**given, "cascade": "on"})
        assert "Something has changed" in shown(answer)
        assert "late" in shown(answer)
        assert not Task.objects.exists()
        assert superuser.post(address("restart"), {"cascade": "on"}).status_code == 200
        assert not Task.objects.exists()

    def test_a_second_one_leads_to_the_first(self, superuser, shop):
        press(superuser, "restart", cascade="on")
        answer = press(superuser, "restart", cascade="on")
        task = Task.objects.get()
        where = reverse("admin:tasks_task_change", args=[task.external_id])
        assert f'href="{where}"' in shown(answer)
        assert "Nothing was done" in shown(answer)

    def test_a_reason_that_is_too_long_is_refused(self, superuser, shop):
        assert "reason: " in shown(press(superuser, "restart", cascade="on", reason="x" * 501))
        assert not Task.objects.exists()

    def test_those_nothing_can_be_done_to_are_named(self, superuser, create):
        seen(create(controller=DOOR))
        seen(create("fixed", dependencies=["shop"]))
        text = shown(superuser.get(address("restart")))
        assert "Affected, and nothing is done to them" in text
        assert "their controllers can't restart them" in text

    def test_without_a_controller_there_is_no_button(self, superuser, create):
        create()
        assert address("restart") not in shown(superuser.get(address("change")))
        assert "controller" in said(superuser.get(address("restart")))


def test_stopping_and_starting(superuser, shop):
    press(superuser, "stop", cascade="on")
    task = Task.objects.get()
    assert task.parameters["action"] == "stop"
    Task.objects.update(status=Status.COMPLETED)
    Service.objects.update(desired_state=DesiredState.STOPPED)
    assert "Stopped on purpose" in shown(superuser.get(address("change")))
    text = shown(superuser.get(address("start", "page")))
    assert "shop is needed and stopped" in text
    given = form(superuser.get(address("start", "page")), "")
    superuser.post(address("start", "page"), {**given, "cascade": "on"})
    assert Task.objects.exclude(pk=task.pk).get().parameters["action"] == "start"


@pytest.mark.parametrize("page", ["restart", "start", "stop", "delete", "definition"])
def test_a_viewer_is_refused(person, shop, page):
    viewer = person("viewer")
    assert address(page) not in shown(viewer.get(address("change")))
    for answer in (viewer.get(address(page)), viewer.post(address(page), {"cascade": "on"})):
        assert answer["Location"] == address("change")
    assert "admin:services" in said(answer)
    assert not Task.objects.exists()
    assert Service.objects.filter(name="shop").exists()


class TestDeleting:
    def test_it_is_asked_by_name(self, person, create):
        create()
        operator = person("operator")
        text = shown(operator.get(address("delete")))
        assert "Delete shop?" in text
        assert Service.objects.exists()
        assert "shop is deleted" in said(press(operator, "delete"))
        assert not Service.objects.exists()

    def test_what_others_need_stays(self, superuser, shop):
        text = shown(superuser.get(address("delete")))
        assert address("definition", "page") in text
        assert "<button" not in text.split("Others need shop")[1].split("</main>")[0]
        etag = {"etag": "*"}
        assert "Nothing was deleted" in shown(superuser.post(address("delete"), etag))
        assert Service.objects.count() == 2

    def test_what_was_changed_meanwhile_stays(self, superuser, create):
        create()
        given = form(superuser.get(address("delete")), "")
        Service.objects.update(version=2)
        assert "changed since" in shown(superuser.post(address("delete"), given))
        assert Service.objects.exists()


class TestTheLog:
    def test_its_newest_lines(self, person, create, talking):
        create(controller={**DOOR, "type": "talking"})
        viewer = person("viewer")
        assert address("logs") in shown(viewer.get(address("change")))
        page = viewer.get(address("logs"), {"lines": "300"})
        assert "line 299 &lt;script&gt;" in shown(page)
        assert offences(page) == []
        assert "line 100" not in shown(viewer.get(address("logs"), {"lines": "-1"}))

    def test_where_there_is_none(self, superuser, create):
        create(controller=DOOR)
        assert address("logs") not in shown(superuser.get(address("change")))
        answer = superuser.get(address("logs"))
        assert answer["Location"] == address("change")
        assert "can't show the log" in said(answer)
