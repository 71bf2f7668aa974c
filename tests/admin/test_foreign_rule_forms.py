"""What comes to the pages of the rules from elsewhere than their forms."""

from __future__ import annotations

import json

import pytest

from core.config.models import ConfigRevision
from core.metrics.rules import queries
from tests.admin.conftest import said
from tests.admin.forms import shown
from tests.admin.test_metric_rules import NEW, PREVIEW, SAVE, address, typed
from tests.admin.test_metric_rules import configured as configured
from tests.metrics.conftest import measured_here as measured_here
from tests.metrics.conftest import no_partitions as no_partitions
from tests.metrics.ruled import RULE

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("measured_here")]


@pytest.mark.parametrize("seen", [
    "", "[]", "{", "[" * 5000, "null", "{}", '{"a":' * 300 + "1" + "}" * 300,
    json.dumps({**RULE, "series": "\ud800"}), json.dumps({**RULE, "enabled": {"\ud800": 1}}),
], ids=range(9))  # fmt: skip
def test_a_form_that_no_page_has_sent_changes_nothing(seen, administrator, configured):
    sent = {**NEW, "name": "busy", "seen": seen}
    assert "There is a rule busy already." in shown(administrator.post(SAVE, sent))
    assert administrator.post(PREVIEW, sent).status_code == 200
    response = administrator.post(address("busy", "delete"), sent)
    assert "Somebody has changed the rule busy meanwhile." in said(response)
    assert queries.documents()["busy"] == RULE


@pytest.mark.parametrize("name", ["", "a\nb", "No Slug", "x" * 70])
@pytest.mark.parametrize("page", [SAVE, PREVIEW])
def test_a_name_that_no_page_has_sent_is_refused(name, page, administrator, configured):
    fields = typed(administrator, address("busy"), name=name)
    response = administrator.post(page, fields)
    assert response.status_code == 200
    assert 'name="name"' in shown(response) and "Switch off" not in shown(response)
    assert ConfigRevision.objects.count() == 1


def test_a_rule_that_there_never_was_is_not_replaced(administrator, configured):
    seen = json.dumps({**RULE, "threshold": 10**30})
    response = administrator.post(SAVE, {**NEW, "name": "busy", "seen": seen})
    assert "Somebody has changed the rule busy meanwhile." in shown(response)
    assert queries.documents()["busy"] == RULE
