"""GET /plugins and /plugins/{id}; POST /plugins/{id}/enable and /disable."""

from __future__ import annotations

import pytest
from django.test import Client

from core import options
from core.access.models import AuditEntry
from core.alerts.models import Alert
from core.events.models import Event
from core.health import checks, transitions
from core.health.board import board
from plugins.models import PluginState
from tests.plugins.making import CHECK, write

pytestmark = pytest.mark.django_db(transaction=True)

OPTIONS = """
    [options.depth]
    type = "integer"
    default = 3
    minimum = 1
    maximum = 9
    unit = "metres"
    help = "How deep."
    [options.password]
    type = "string"
    default = "open sesame"
    secret = true
    help = "What to say."
"""
NEEDS_SAMPLE = '[dependencies]\nsample = ">=1"\n'


def get(client: Client, path: str = "plugins") -> dict:
    answer = client.get(f"/api/v1/{path}")
    assert answer.status_code == 200, answer.content
    return answer.json()["data"]


def post(client: Client, action: str, plugin_id: str = "sample"):
    return client.post(f"/api/v1/plugins/{plugin_id}/{action}")


def test_the_list_tells_each_with_its_state_and_reason(client, directory, load):
    write(directory)
    write(directory, "broken", code="raise RuntimeError('no luck')")
    load()
    broken, sample = get(client)["plugins"]
    assert (broken["id"], broken["state"], broken["reason"]) == (
        "broken", "failed", "RuntimeError: no luck"
    )  # fmt: skip
    assert sample == {
        "id": "sample", "name": "sample of the tests", "version": "1.0.0", "description": "",
        "state": "active", "reason": None, "restart_required": False, "source": "directory",
        "permissions": ["checks"], "dependencies": {}, "dependents": [],
        "registered": [{"kind": "check", "name": "sample.works"}],
    }  # fmt: skip


def test_an_instance_without_plugins_has_an_empty_list(client, load):
    load()
    assert get(client) == {"plugins": []}


def test_the_detail_tells_manifest_files_and_options_and_no_secret(client, directory, load):
    folder = write(directory, more=OPTIONS)
    load()
    with options.replaced({"sample.depth": 5, "sample.password": "hidden away"}):
        answer = client.get("/api/v1/plugins/sample")
    data = answer.json()["data"]
    assert (data["manifest"]["nexus"], data["folder"]) == (">=0.1", str(folder))
    assert data["files"] == {"intact": True, "problems": []}
    depth, password = data["configuration"]
    assert (depth["key"], depth["value"], depth["default"], depth["source"], depth["unit"]) == (
        "sample.depth", 5, 3, "override", "metres"
    )  # fmt: skip
    assert (depth["schema"]["minimum"], depth["schema"]["maximum"]) == (1, 9)
    assert (password["value"], password["default"]) == ("***masked***", "***masked***")
    assert data["manifest"]["options"]["password"]["default"] == "***masked***"
    assert b"hidden away" not in answer.content


def test_a_failed_one_tells_its_traceback(client, directory, load):
    write(directory, code="raise RuntimeError('no luck')")
    load()
    data = get(client, "plugins/sample")
    assert data["reason"] == "RuntimeError: no luck"
    assert "plugin.py" in data["traceback"]
    assert data["configuration"] == []


def test_files_that_change_after_the_start_are_told(client, directory, load):
    folder = write(directory)
    load()
    (folder / "plugin.py").write_text("")
    data = get(client, "plugins/sample")
    assert data["state"] == "active"  # what was loaded is in memory
    assert data["files"] == {"intact": False, "problems": ["plugin.py has changed"]}


def test_a_manifest_that_can_not_be_read_is_told(client, directory, load):
    folder = write(directory)
    (folder / "plugin.toml").write_text("no")
    load()
    data = get(client, "plugins/sample")
    assert (data["manifest"], data["version"], data["state"]) == (None, None, "failed")


@pytest.mark.parametrize("path", ["plugins/nobody", "plugins/%00", "plugins/a%2Fb"])
def test_an_unknown_one_is_not_found(client, directory, load, path):
    write(directory)
    load()
    answer = client.get(f"/api/v1/{path}")
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "not_found"


def test_disabling_and_enabling_is_live_and_recorded(client, directory, load):
    write(directory)
    load()
    disabled = post(client, "disable").json()["data"]
    assert disabled == {
        "id": "sample", "state": "disabled", "reason": "an operator has disabled it",
        "restart_required": False, "unanswered": [],
    }  # fmt: skip
    assert "sample.works" not in checks.registry
    assert PluginState.objects.get().enabled is False
    enabled = post(client, "enable").json()["data"]
    assert (enabled["state"], enabled["reason"]) == ("active", None)
    assert "sample.works" in checks.registry
    assert PluginState.objects.get().enabled is True
    actions = AuditEntry.objects.filter(target="sample").order_by("id")
    assert [each.action for each in actions] == ["plugin.disable", "plugin.enable"]
    events = Event.objects.filter(subject="sample").order_by("id")
    assert [each.name for each in events] == ["plugin.disabled", "plugin.enabled"]


def test_repeated_it_says_the_same_and_records_nothing_more(client, directory, load):
    write(directory)
    load()
    assert post(client, "enable").json()["data"]["state"] == "active"
    assert not AuditEntry.objects.filter(target="sample").exists()
    first, second = post(client, "disable"), post(client, "disable")
    assert first.json()["data"] == second.json()["data"]
    assert AuditEntry.objects.filter(target="sample").count() == 1


def test_a_disabled_one_is_not_loaded_at_the_next_start(client, directory, load):
    write(directory)
    load()
    post(client, "disable")
    load(disabled={"sample"})
    assert get(client, "plugins/sample")["state"] == "disabled"


def test_one_that_others_in_use_need_is_not_disabled(client, directory, load):
    write(directory)
    write(directory, "needy", more=NEEDS_SAMPLE)
    load()
    answer = post(client, "disable")
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (409, "dependents_active")
    assert error["dependents"] == ["needy"]
    assert "needy" in error["message"]
    assert not PluginState.objects.exists()
    assert get(client, "plugins/sample")["dependents"] == ["needy"]
    assert post(client, "disable", "needy").status_code == 200
    assert post(client, "disable").status_code == 200


def test_enabling_tries_a_failed_one_again(client, directory, load):
    write(directory, code="raise RuntimeError('no luck')")
    load()
    answer = post(client, "enable")
    assert (answer.status_code, answer.json()["data"]["state"]) == (200, "failed")
    assert answer.json()["data"]["reason"] == "RuntimeError: no luck"


def test_without_auto_load_nothing_can_be_enabled(client, directory, load):
    write(directory)
    with options.replaced({"plugins.auto_load": False, "plugins.plugin_directory": str(directory)}):
        load()
    answer = post(client, "enable")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "auto_load_off")


@pytest.mark.parametrize("action", ["enable", "disable"])
def test_an_unknown_one_can_not_be_changed(client, load, action):
    load()
    assert post(client, action).status_code == 404
    assert not PluginState.objects.exists()


def test_looking_does_not_let_change(make_key, directory, load):
    write(directory, code=CHECK)
    load()
    viewer = Client(headers={"X-API-Key": make_key("read:system")})
    assert viewer.get("/api/v1/plugins/sample").status_code == 200
    answer = post(viewer, "disable")
    assert answer.status_code == 403
    assert "admin:plugins" in answer.json()["error"]["message"]


def test_status_and_components_tell_of_plugins(client, directory, load):
    write(directory)
    write(directory, "broken", code="raise RuntimeError('no luck')")
    load()
    plugins = get(client, "status")["components"]["plugins"]
    assert (plugins["loaded"], plugins["active"], plugins["failed"]) == (2, 1, 1)
    assert plugins["status"] == "degraded"
    assert plugins["reason"] == "states: failed: broken"
    parts = {each["name"]: each for each in get(client, "components/health")["components"]}
    assert parts["sample"]["checks"][0]["answer"] == 42
    assert parts["sample"]["status"] == "healthy"
    assert client.get("/api/v1/health").status_code == 200


SICK = """
    from core.health import checks
    from core.health.checks import Unhealthy

    @checks.register(component="{section}", name="works")
    def works():
        raise Unhealthy("it does not")
"""


def notice() -> None:
    """What a web process does about health all the time."""
    board.refresh(force=True)
    transitions.observe(board.standings())
    transitions.write()


def test_the_alert_of_what_is_no_longer_checked_is_resolved_and_may_come_again(
    client, directory, load
):
    write(directory, code=SICK)
    load()
    notice()
    assert Alert.objects.get(fingerprint="health.sample").resolved_at is None
    post(client, "disable")
    alert = Alert.objects.get(fingerprint="health.sample")
    assert (alert.resolved_at is not None, alert.resolution) == (True, "It is no longer checked.")
    notice()
    assert Alert.objects.filter(fingerprint="health.sample", resolved_at=None).count() == 0
    post(client, "enable")
    notice()
    assert Alert.objects.filter(fingerprint="health.sample", resolved_at=None).count() == 1
