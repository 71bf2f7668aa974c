"""X-Request-ID."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.urls("tests.core_api.addresses")


def test_a_well_formed_id_is_taken_over(client):
    answer = client.get("/api/nothing", headers={"X-Request-ID": "my-own:id.1234"})
    assert answer["X-Request-ID"] == "my-own:id.1234"
    assert answer.json()["error"]["request_id"] == "my-own:id.1234"


@pytest.mark.parametrize("given", ["", "short", "x" * 129, "has space in it", "<script>alert"])
def test_any_other_is_replaced(client, given):
    answer = client.get("/api/echo", headers={"X-Request-ID": given})
    assert answer["X-Request-ID"].startswith("req_")


def test_every_request_has_its_own(client):
    seen = {client.get("/api/echo")["X-Request-ID"] for _ in range(5)}
    assert len(seen) == 5
