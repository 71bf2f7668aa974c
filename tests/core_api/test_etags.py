"""ETag, If-None-Match and If-Match."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.urls("tests.core_api.addresses")


@pytest.fixture
def etag(client) -> str:
    return client.get("/api/tagged")["ETag"]


@pytest.mark.parametrize("header", ["{0}", "W/{0}", '"other", {0}', "*"])
def test_what_the_client_has_is_304_without_a_body(client, etag, header):
    answer = client.get("/api/tagged", headers={"If-None-Match": header.format(etag)})
    assert (answer.status_code, answer.content) == (304, b"")
    assert answer["ETag"] == etag
    assert "Content-Type" not in answer


def test_what_it_does_not_have_is_sent(client, etag):
    answer = client.get("/api/tagged", headers={"If-None-Match": '"other"'})
    assert answer.json()["data"] == {"value": 1}


@pytest.mark.parametrize("header", ["{0}", "*", '"other", {0}'])
def test_a_change_of_what_was_seen_is_made(client, etag, header):
    answer = client.put("/api/tagged", headers={"If-Match": header.format(etag)})
    assert answer.status_code == 204


@pytest.mark.parametrize("header", ['"other"', "W/{0}"])
def test_a_change_of_another_version_is_412(client, etag, header):
    answer = client.put("/api/tagged", headers={"If-Match": header.format(etag)})
    assert answer.status_code == 412
    assert answer.json()["error"]["code"] == "precondition_failed"
    assert answer["ETag"] == etag


def test_a_change_without_if_match_is_made(client):
    assert client.put("/api/tagged").status_code == 204
