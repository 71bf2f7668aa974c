"""`manage.py alerts`."""

from __future__ import annotations

import json
from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone

from core import ids
from core.alerts import operations
from core.alerts.grouping import set_causes
from core.alerts.models import Alert
from tests.alerts.conftest import status_of, told
from tests.commands import manage

pytestmark = pytest.mark.django_db
UNKNOWN = "alert_01h455vb4pex5vsknk084sn02q"
VERBS = {
    "show": [], "acknowledge": [], "silence": ["--reason", "known"], "unsilence": [], "resolve": []
}  # fmt: skip


@pytest.fixture
def run():
    return partial(manage, "alerts")


@pytest.fixture
def alert_id(raised) -> str:
    return ids.external("alert", raised(title="[bold]Part[/bold]").pk)


def test_the_list_has_what_is_not_over(run, raised, alert_id):
    over = raised("test.over")
    operations.resolve_alert(fingerprint="test.over", reason="over")
    ran = run("list")
    assert ran.code == 0
    assert alert_id in ran.out
    assert "[bold]Part[/bold]" in ran.out
    assert ids.external("alert", over.pk) not in ran.out
    assert len(json.loads(run("list", "--all", "--json").out)) == 2


def test_the_list_filters(run, raised, silenced, alert_id):
    raised("test.other", severity="critical", source="other")
    silenced("test.quiet")
    for option, value, fingerprint in (
        ("--severity", "critical", "test.other"),
        ("--source", "other", "test.other"),
        ("--status", "silenced", "test.quiet"),
    ):
        [found] = json.loads(run("list", option, value, "--json").out)
        assert found["fingerprint"] == fingerprint
    assert len(json.loads(run("list", "--limit", "1", "--json").out)) == 1


def test_the_list_has_what_is_there_because_of_another_below_it(run, raised):
    for name in ("web", "db", "api"):
        raised(f"test.{name}", title=f"No {name}", source=name)
    set_causes({"test.web": "test.db", "test.api": "test.db"})
    titles = [line for line in run("list").out.splitlines() if "No " in line]
    assert [line.split("  ")[0] for line in titles] == ["No db", "└ No api", "└ No web"]
    assert run("list", "--source", "web").out.count("└") == 0
    assert len(json.loads(run("list", "--json").out)) == 3


@pytest.mark.parametrize("arguments", [("--status", "closed"), ("--severity", "fatal")])
def test_a_filter_that_is_none_is_2(run, arguments):
    ran = run("list", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert "known:" in ran.err


def test_show_says_all_that_is_known(run, alert_id):
    ran = run("show", alert_id)
    assert f"id: {alert_id}" in ran.out
    assert "title: [bold]Part[/bold]" in ran.out
    assert "resolved at" not in ran.out
    assert json.loads(run("show", alert_id, "--json").out)["id"] == alert_id


def test_acknowledge(run, alert_id):
    assert run("acknowledge", alert_id, "--note", "on it").code == 0
    alert = Alert.objects.get()
    assert (status_of(alert), alert.note) == ("acknowledged", "on it")
    assert alert.acknowledged_by.startswith("command:")


@pytest.mark.parametrize(
    ("text", "length"),
    [("90s", timedelta(seconds=90)), ("8h", timedelta(hours=8)), ("365d", timedelta(days=365))],
)
def test_silence_and_unsilence(run, alert_id, text, length):
    assert run("silence", alert_id, "--for", text, "--reason", "upgrade").code == 0
    alert = Alert.objects.get()
    assert (status_of(alert), alert.silence_reason) == ("silenced", "upgrade")
    assert abs(alert.silenced_until - timezone.now() - length) < timedelta(minutes=1)
    assert run("unsilence", alert_id).code == 0
    assert status_of(alert) == "open"


@pytest.mark.parametrize("text", ["", "1", "h", "0h", "-1h", "366d", "1w", "9999999999d", "1.5h"])
def test_a_duration_that_is_none_is_2(run, alert_id, text):
    ran = run("silence", alert_id, f"--for={text}", "--reason", "x")
    assert (ran.code, ran.out) == (2, "")
    assert "365d" in ran.err
    assert told() == ["alert.raised"]


def test_a_silence_without_a_reason_is_2(run, alert_id):
    assert run("silence", alert_id, "--reason", " ").code == 2
    assert told() == ["alert.raised"]


def test_resolve_and_then_acknowledge_is_5(run, alert_id):
    assert json.loads(run("resolve", alert_id, "--json").out)["status"] == "resolved"
    ran = run("acknowledge", alert_id)
    assert (ran.code, ran.out) == (5, "")
    assert "resolved" in ran.err


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("alert_id", [UNKNOWN, "nonsense"])
def test_an_alert_there_is_not_is_4(run, verb, alert_id):
    assert run(verb, alert_id, *VERBS[verb]).code == 4
