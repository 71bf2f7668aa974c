"""The first page: how the instance stands, for those who may know."""

from __future__ import annotations

from django.urls import reverse

from core.access.actor import SYSTEM
from core.alerts import operations
from core.alerts.grouping import set_causes
from tests.admin import records
from tests.admin.conftest import offences


def test_it_shows_every_component_and_what_is_running(superuser):
    running = records.task()
    response = superuser.get(reverse("admin:index"))
    page = response.content.decode()
    assert 'data-component="database"' in page
    assert 'data-component="cache"' in page
    assert running.external_id in page
    assert offences(response) == []


def test_it_says_so_when_nothing_runs(superuser):
    assert "Nothing is running" in superuser.get(reverse("admin:index")).content.decode()


def test_it_tells_somebody_without_a_role_whom_to_ask(person):
    page = person().get(reverse("admin:index")).content.decode()
    assert "no role yet" in page
    assert "data-component" not in page


def test_the_sidebar_offers_what_a_role_may_see(person):
    page = person("viewer").get(reverse("admin:index")).content.decode()
    assert reverse("admin:tasks_task_changelist") in page
    assert reverse("admin:auth_user_changelist") not in page


def test_it_shows_the_alerts_that_nobody_has_seen_to(superuser):
    records.alert(fingerprint="test.a", title="Still going on")
    known = records.alert(fingerprint="test.b", title="Somebody is at it")
    operations.acknowledge(alert_id=known.pk, actor=SYSTEM)
    response = superuser.get(reverse("admin:index"))
    shown = response.content.decode()
    assert "Still going on" in shown
    assert "Somebody is at it" not in shown
    assert 'id="alerts" hidden' not in shown
    assert offences(response) == []


def test_it_shows_causes_with_the_number_of_what_is_there_because_of_them(superuser):
    records.alert(fingerprint="test.a", title="The database is down")
    records.alert(fingerprint="test.b", title="Nobody answers")
    set_causes({"test.b": "test.a"})
    shown = superuser.get(reverse("admin:index")).content.decode()
    assert 'The database is down</a> <span class="nx-quiet">+1</span>' in shown
    assert "Nobody answers" not in shown


def test_it_is_quiet_about_alerts_when_none_is_open(superuser):
    assert 'id="alerts" hidden' in superuser.get(reverse("admin:index")).content.decode()
