"""The plugins' pages: how each stands, and its switch."""

from __future__ import annotations

import pytest
from django.urls import reverse

from core import options
from core.access.models import AuditEntry
from plugins.models import PluginState
from plugins.plugin import State
from tests.admin.conftest import offences, said
from tests.plugins.conftest import directory, load  # noqa: F401
from tests.plugins.making import write

pytestmark = pytest.mark.django_db(transaction=True)
LIST = "admin:plugins_pluginstate_changelist"
DEPTH = '[options.depth]\ntype = "integer"\ndefault = 3\nunit = "metres"\nhelp = "How deep."\n'


def address(action: str = "change", plugin_id: str = "sample") -> str:
    return reverse(f"admin:plugins_pluginstate_{action}", args=[plugin_id])


def page(client, plugin_id: str = "sample") -> str:
    response = client.get(address(plugin_id=plugin_id))
    assert response.status_code == 200
    assert offences(response) == []
    return response.content.decode()


@pytest.fixture
def plugins(directory, load):  # noqa: F811
    write(directory, more=DEPTH)
    write(directory, "broken", code="raise RuntimeError('no <b>luck</b>')")
    return load()


def test_the_list_shows_failed_ones_with_the_reason(plugins, person):
    response = person("viewer").get(reverse(LIST))
    shown = response.content.decode()
    assert "sample of the tests" in shown
    assert "RuntimeError: no &lt;b&gt;luck&lt;/b&gt;" in shown
    assert offences(response) == []


def test_an_empty_list_says_where_plugins_go(load, directory, superuser):  # noqa: F811
    load()
    assert str(directory) in superuser.get(reverse(LIST)).content.decode()


def test_a_page_shows_what_it_registered_its_options_and_its_manifest(plugins, person):
    with options.replaced({"sample.depth": 7}):
        shown = page(person("viewer"))
    for part in ("sample.works", "sample.depth", "7 metres", "How deep.", "&quot;nexus&quot;"):
        assert part in shown
    assert address("disable") not in shown  # a viewer has no buttons


def test_the_page_of_a_failed_one_shows_its_traceback(plugins, superuser):
    shown = page(superuser, "broken")
    assert "Traceback" in shown
    assert "Try again" in shown


def test_disabling_and_enabling_says_what_came_of_it(plugins, superuser):
    assert "Disable sample of the tests" in page(superuser)
    assert "sample is disabled" in said(superuser.post(address("disable")))
    assert plugins.get("sample").state == State.DISABLED
    shown = page(superuser)
    assert "Enable" in shown
    assert "user:superuser" in shown
    assert "sample is active" in said(superuser.post(address("enable")))
    assert AuditEntry.objects.filter(target="sample", actor_name="superuser").count() == 2


def test_who_may_not_is_refused(plugins, person):
    told = said(person("operator").post(address("disable")))
    assert "admin:plugins" in told
    assert plugins.get("sample").state == State.ACTIVE
    assert not PluginState.objects.exists()


def test_what_the_operation_refuses_is_a_message(directory, load, superuser):  # noqa: F811
    write(directory)
    write(directory, "needy", more='[dependencies]\nsample = ">=1"\n')
    load()
    assert "needy" in said(superuser.post(address("disable")))


def test_strangers_see_nothing_and_an_unknown_plugin_leads_back(plugins, person, superuser):
    stranger = person()
    assert {stranger.get(each).status_code for each in (reverse(LIST), address())} == {403}
    assert superuser.get(address(plugin_id="nobody")).status_code == 302


def test_only_a_post_changes_something(plugins, superuser):
    assert superuser.get(address("disable")).status_code == 405
    assert only_state(plugins) == State.ACTIVE


def only_state(plugins) -> State:
    return plugins.get("sample").state


def test_a_page_costs_a_bounded_number_of_queries(
    plugins, superuser, django_assert_max_num_queries
):
    for each in (reverse(LIST), address()):
        with django_assert_max_num_queries(16):
            superuser.get(each)
