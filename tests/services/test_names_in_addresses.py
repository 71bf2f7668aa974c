"""What stands in the place of a service's name in an address may be anything."""

from __future__ import annotations

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db

ADDRESSES = [
    ("GET", ""), ("PATCH", ""), ("DELETE", ""), ("GET", "/history"), ("GET", "/errors"),
    ("GET", "/maintenance"), ("GET", "/logs"), ("POST", "/restart"), ("POST", "/start"),
    ("POST", "/stop"), ("POST", "/probe"), ("POST", "/heartbeat"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "rest"), ADDRESSES)
@pytest.mark.parametrize("name", ["a%00b", "%F0%9F%98%80", "x" * 3000, "A B", "..%2Fweb"])
def test_what_is_no_name_is_the_name_of_no_service(make_key, name, method, rest):
    client = Client(headers={"X-API-Key": make_key()}, raise_request_exception=False)
    answer = client.generic(
        method, f"/api/v1/services/{name}{rest}", "{}", content_type="application/json"
    )
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "not_found"
