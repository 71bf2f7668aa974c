"""The alerts' pages: who looks after what, by forms that need no script."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from core.access.actor import SYSTEM
from core.access.models import AuditEntry
from core.alerts import operations
from core.alerts.grouping import set_causes
from core.alerts.models import Alert
from core.alerts.queries import with_status
from tests.admin import records
from tests.admin.conftest import offences, said

LIST = "admin:alerts_alert_changelist"


def page_of(client: Client, alert: Alert) -> str:
    return client.get(reverse("admin:alerts_alert_change", args=[alert.pk])).content.decode()


def press(client: Client, alert: Alert, button: str, **data: str):
    return client.post(reverse(f"admin:alerts_alert_{button}", args=[alert.pk]), data)


def now(alert: Alert) -> Alert:
    return with_status().get(pk=alert.pk)


def test_an_operator_acknowledges_silences_and_resolves(person):
    alert, operator = records.alert(), person("operator")
    said_first = said(press(operator, alert, "acknowledge", note="on it"))
    assert "You are at" in said_first
    assert (now(alert).status, now(alert).note) == ("acknowledged", "on it")
    assert "for 8 hours" in said(press(operator, alert, "silence", hours="8", reason="upgrade"))
    silenced = now(alert)
    assert (silenced.status, silenced.silence_reason) == ("silenced", "upgrade")
    assert abs(silenced.silenced_until - timezone.now() - timedelta(hours=8)) < timedelta(minutes=1)
    assert "End the silence" in page_of(operator, alert)
    press(operator, alert, "unsilence")
    assert now(alert).status == "acknowledged"
    assert "is resolved" in said(press(operator, alert, "resolve", reason="replaced"))
    assert (now(alert).status, now(alert).resolved_by) == ("resolved", "user:operator")
    assert set(AuditEntry.objects.values_list("actor_name", flat=True)) == {"operator"}


def test_the_page_says_what_is_known(superuser):
    alert = records.alert(message="first line\n<b>second</b>")
    response = superuser.get(reverse("admin:alerts_alert_change", args=[alert.pk]))
    shown = response.content.decode()
    assert "first line<br>&lt;b&gt;second&lt;/b&gt;" in shown
    assert "test.part" in shown
    assert records.external("alert", alert) in shown
    for button in ("acknowledge", "silence", "resolve"):
        assert reverse(f"admin:alerts_alert_{button}", args=[alert.pk]) in shown
    assert "End the silence" not in shown
    assert offences(response) == []


def test_a_resolved_alert_has_no_buttons_left(superuser):
    alert = records.alert()
    operations.resolve(alert_id=alert.pk, actor=SYSTEM)
    assert "<details" not in page_of(superuser, alert)
    assert "was resolved" in said(press(superuser, alert, "acknowledge"))


@pytest.mark.parametrize("data", [{}, {"hours": "2"}, {"hours": "-1"}, {"hours": "x\0"}])
def test_a_duration_that_is_not_offered_is_refused(superuser, data):
    alert = records.alert()
    assert "hours" in said(press(superuser, alert, "silence", reason="x", **data))
    assert now(alert).status == "open"


def test_a_silence_without_a_reason_is_refused(superuser):
    alert = records.alert()
    assert "reason" in said(press(superuser, alert, "silence", hours="1", reason=""))
    assert now(alert).status == "open"


@pytest.mark.parametrize("button", ["acknowledge", "silence", "unsilence", "resolve"])
def test_a_viewer_has_no_buttons_and_is_refused(person, button):
    alert, viewer = records.alert(), person("viewer")
    assert "<details" not in page_of(viewer, alert)
    answer = press(viewer, alert, button, hours="1", reason="known")
    assert "admin:services" in said(answer)
    assert now(alert).status == "open"
    assert not AuditEntry.objects.exists()


def test_a_link_changes_nothing(superuser):
    alert = records.alert()
    address = reverse("admin:alerts_alert_resolve", args=[alert.pk])
    assert superuser.get(address).status_code == 405
    assert now(alert).status == "open"


def test_the_list_has_the_unresolved_first_and_filters_by_status(superuser):
    records.alert(fingerprint="test.a", title="Still going on")
    records.alert(fingerprint="test.b", title="Just come up")
    over = records.alert(fingerprint="test.over", title="Over and done")
    operations.resolve(alert_id=over.pk, actor=SYSTEM)
    shown = superuser.get(reverse(LIST)).content.decode()
    places = [shown.index(each) for each in ("Just come up", "Still going on", "Over and done")]
    assert places == sorted(places)
    shown = superuser.get(reverse(LIST), {"status": "resolved"}).content.decode()
    assert "Over and done" in shown
    assert "Still going on" not in shown


def test_the_list_has_causes_with_the_number_of_their_effects(superuser):
    records.alert(fingerprint="test.db", title="The <b>database</b> is down")
    for name in ("web", "api"):
        records.alert(fingerprint=f"test.{name}", title=f"Nobody answers for {name}")
    set_causes({"test.web": "test.db", "test.api": "test.db"})
    shown = superuser.get(reverse(LIST)).content.decode()
    assert "The &lt;b&gt;database&lt;/b&gt; is down +2" in shown
    assert "Nobody answers for web" not in shown
    for query in ({"grouped": "any"}, {"grouped": "true"}, {"q": "Nobody answers"}):
        assert "Nobody answers for web" in superuser.get(reverse(LIST), query).content.decode()
    assert " +2" not in superuser.get(reverse(LIST), {"grouped": "true"}).content.decode()


def test_cause_and_effects_link_to_each_other(superuser):
    cause = records.alert(fingerprint="test.db", title="The database is down")
    effect = records.alert(fingerprint="test.web", title="Nobody <b>answers</b>")
    set_causes({"test.web": "test.db"})
    response = superuser.get(reverse("admin:alerts_alert_change", args=[cause.pk]))
    shown = response.content.decode()
    assert reverse("admin:alerts_alert_change", args=[effect.pk]) in shown
    assert "Nobody &lt;b&gt;answers&lt;/b&gt;</a>" in shown
    assert offences(response) == []
    shown = page_of(superuser, effect)
    address = reverse("admin:alerts_alert_change", args=[cause.pk])
    assert f'href="{address}">The database is down</a>' in shown


def test_the_page_says_what_is_no_alert_in_words(superuser):
    alert = records.alert()
    set_causes({alert.fingerprint: None}, because={alert.fingerprint: "It needs <db>."})
    assert "It needs &lt;db&gt;." in page_of(superuser, alert)
