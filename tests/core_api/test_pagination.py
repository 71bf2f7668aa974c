"""Lists by cursor."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from core.access.models import ApiKey
from core.api.cursors import TIME_AND_ID

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.core_api.addresses")]

START = datetime(2024, 1, 1, tzinfo=UTC)


@pytest.fixture
def seven() -> list[str]:
    """Keys named a to g, oldest first, three of them made in the same moment."""
    for index, name in enumerate("abcdefg"):
        made = START + timedelta(seconds=min(index, 4))
        ApiKey.objects.create(
            name=name, key_id=name * 12, digest=b"", pepper=1, scopes=[], created_at=made
        )
    return list("gfedcba")


def get(client, path="/api/keys", **query):
    answer = client.get(path, query)
    assert answer.status_code == 200, answer.content
    return answer.json()["data"]["keys"], answer.json()["data"]["pagination"]


def test_pages_forwards_and_back_hold_every_row_once(client, seven):
    pages, cursors, cursor = [], [], None
    while True:
        keys, page = get(client, limit=3, **({"cursor": cursor} if cursor else {}))
        pages.append(keys)
        cursors.append(page)
        if not (cursor := page["next"]):
            break
    assert pages == [list("gfe"), list("dcb"), ["a"]]
    assert cursors[0]["previous"] is None
    back, page = get(client, limit=3, cursor=cursors[2]["previous"])
    assert back == list("dcb")
    back, page = get(client, limit=3, cursor=page["previous"])
    assert back == list("gfe")
    assert page["previous"] is None
    assert get(client, limit=3, cursor=page["next"])[0] == list("dcb")


def test_a_row_that_comes_meanwhile_moves_nothing(client, seven):
    _, page = get(client, limit=3)
    ApiKey.objects.create(name="new", key_id="n" * 12, digest=b"", pepper=1, scopes=[])
    assert get(client, limit=3, cursor=page["next"])[0] == list("dcb")


def test_a_page_without_more_has_no_cursors(client, seven):
    assert get(client)[1] == {"limit": 50, "next": None, "previous": None}


def test_names_first_to_last(client, seven):
    keys, page = get(client, "/api/names", limit=4)
    assert keys == list("abcd")
    assert get(client, "/api/names", limit=4, cursor=page["next"])[0] == list("efg")


@pytest.mark.parametrize("limit", ["0", "501", "-1", "many", "", "1.5", "1" * 50, "\u0665"])
def test_a_limit_out_of_range_is_400(client, limit):
    answer = client.get("/api/keys", {"limit": limit})
    assert answer.status_code == 400
    assert answer.json()["error"]["details"][0]["field"] == "limit"


@pytest.mark.parametrize("limit", [1, 500])
def test_the_ends_of_the_range_are_taken(client, limit):
    assert get(client, limit=limit)[1]["limit"] == limit


@pytest.mark.parametrize(
    "cursor",
    ["", "x", "n", "n1_2", "n\u0661" * 9, "q" + "0" * 16 + "_" + "0" * 32, "\0", "n" * 5000],
)
def test_a_cursor_of_another_shape_is_400(client, cursor):
    answer = client.get("/api/keys", {"cursor": cursor})
    assert answer.status_code == 400
    assert answer.json()["error"]["details"][0]["code"] == "invalid_cursor"


@pytest.mark.parametrize("figure", "09")
@pytest.mark.parametrize("direction", "np")
def test_every_cursor_of_the_right_shape_means_some_place(client, seven, direction, figure):
    cursor = f"{direction}{figure * 16}_{figure * 32}"
    assert re.fullmatch(TIME_AND_ID, cursor)
    assert client.get("/api/keys", {"cursor": cursor}).status_code == 200


def test_a_deep_page_reads_no_more_than_the_first(client, seven, django_assert_num_queries):
    _, page = get(client, limit=3)
    with django_assert_num_queries(1) as queries:
        get(client, limit=3, cursor=page["next"])
    assert '("access_apikey"."created_at", "access_apikey"."id") <' in queries[0]["sql"]
