"""The configuration answers as the contract's examples of get_config and update_config say."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tests.contract.loading import operations
from tests.contract.matching import Matcher

GET, PUT = operations()["get_config"], operations()["update_config"]

pytestmark = pytest.mark.django_db


@pytest.fixture
def api(make_key) -> Client:
    return Client(headers={"X-API-Key": make_key()})


def complaints(example: Any, answer) -> list[str]:
    assert answer.status_code == 200, answer.content
    assert answer.json()["success"] is True
    return list(Matcher().complaints(example, answer.json()["data"]))


@pytest.mark.parametrize("slash", ["", "/"])
def test_get_config_fits(api, slash):
    answer = api.get(f"/api/v1/config{slash}")
    assert complaints(GET.response, answer) == []
    assert answer.json()["data"]["database"]["password"] == "***masked***"


def test_one_section_fits(api):
    answer = api.get("/api/v1/config?section=server")
    assert complaints({"server": GET.response["server"]}, answer) == []
    assert set(answer.json()["data"]) == {"server"}


@pytest.mark.parametrize("slash", ["", "/"])
def test_update_config_fits(api, slash):
    answer = api.put(f"/api/v1/config{slash}", PUT.request, content_type="application/json")
    assert complaints(PUT.response, answer) == []
    assert answer.json()["data"]["updated_keys"] == PUT.response["updated_keys"]
    now = api.get("/api/v1/config").json()["data"]
    assert (now["server"]["workers"], now["plugins"]["auto_load"]) == (8, False)
