"""What goes around and above an answer."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest

from core.api.envelope import dumps


def test_times_are_in_utc_with_a_z():
    assert dumps([datetime(2024, 1, 1, tzinfo=UTC)]) == b'["2024-01-01T00:00:00Z"]'


def test_ids_sets_and_numbers_as_keys():
    assert dumps(UUID(int=1)) == b'"00000000-0000-0000-0000-000000000001"'
    assert dumps({400: {"b", "a"}}) == b'{"400":["a","b"]}'


@pytest.mark.urls("tests.core_api.addresses")
def test_an_answer_is_in_the_envelope_unless_it_is_bare(client):
    assert client.post("/api/echo", b"", content_type="application/json").json() == {
        "success": True,
        "data": {},
    }
    assert client.get("/api/echo").json() == {"status": "ok"}


@pytest.mark.urls("tests.core_api.addresses")
@pytest.mark.parametrize("path", ["/api/echo", "/api/echo/"])
def test_a_path_answers_with_and_without_a_slash(client, path):
    assert client.get(path).status_code == 200
    assert client.post(path, b"{}", content_type="application/json").status_code == 200


@pytest.mark.urls("tests.core_api.addresses")
def test_a_path_with_two_slashes_is_another(client):
    assert client.get("/api/echo//").status_code == 404


@pytest.mark.urls("tests.core_api.addresses")
def test_answers_are_not_kept_or_guessed_at(client):
    answer = client.get("/api/echo")
    assert answer["Cache-Control"] == "no-store"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Type"] == "application/json"


@pytest.mark.urls("tests.core_api.addresses")
def test_head_is_get_without_its_body(client):
    answer = client.head("/api/echo")
    assert (answer.status_code, answer.content) == (200, b"")
