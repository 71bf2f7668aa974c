"""What the parser refuses, and that it says where."""

from __future__ import annotations

import time

import pytest

from core import options
from core.api import parsing
from core.errors import InvalidInput

pytestmark = pytest.mark.urls("tests.core_api.addresses")


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        (b'{"a": 1,}', "", "malformed_json"),
        (b"{'a': 1}", "", "malformed_json"),
        (b'{"a": 1} {}', "", "malformed_json"),
        (b'{"a": "\xff"}', "", "malformed_json"),
        (b'\xef\xbb\xbf{"a": 1}', "", "malformed_json"),
        (b'{"a": "\x00"}', "", "malformed_json"),
        (b'{"a": "\n"}', "", "malformed_json"),
        (b"[1]", "", "not_an_object"),
        (b'"text"', "", "not_an_object"),
        (b"null", "", "not_an_object"),
        (b'{"a": NaN}', "", "not_a_number"),
        (b'{"a": -Infinity}', "", "not_a_number"),
        (b'{"a": {"b": [1, 1e999]}}', "a.b.1", "out_of_range"),
        (b'{"a": 9223372036854775808}', "a", "out_of_range"),
        (b'{"a": ' + b"9" * 100_000 + b"}", "a", "out_of_range"),
        (b'{"a": [{"b": "x\\u0000y"}]}', "a.0.b", "null_character"),
        (b'{"a": {"k\\u0000": 1}}', "a", "null_character"),
        (b'{"a": "\\ud800"}', "a", "lone_surrogate"),
        (b'{"a": "\\udc00\\ud800"}', "a", "lone_surrogate"),
        (b'{"\\ud800": 1}', "", "lone_surrogate"),
        (b'{"a": 1, "a": 1}', "a", "duplicate_key"),
        (b'{"a": [{"b": {"c": 1, "c": 2}}]}', "a.0.b.c", "duplicate_key"),
        (b'{"a": 1, "\\u0061": 2}', "a", "duplicate_key"),
    ],
)
def test_it_refuses_and_names_the_place(post, body, field, code):
    answer = post(body)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["code"] == "invalid_input"
    assert [(each["field"], each["code"]) for each in error["details"]] == [(field, code)]


def test_malformed_json_names_line_and_column(post):
    answer = post('{\n  "ä": 1,\n  "b" 2\n}'.encode())
    assert answer.json()["error"]["message"].startswith("Line 3, column 7: ")


def test_64_levels_are_taken_and_65_are_not():
    def nested(levels: int) -> bytes:
        return b'{"a":' * (levels - 1) + b"{}" + b"}" * (levels - 1)

    assert parsing.loads(nested(64))
    with pytest.raises(InvalidInput, match="deeper than 64"):
        parsing.loads(nested(65))


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
@pytest.mark.parametrize("levels", [300, 5_000, 150_000])
def test_any_depth_is_a_400_and_quick(post, opening, levels):
    started = time.monotonic()
    answer = post(b'{"a":' + opening * levels)
    assert answer.status_code == 400
    assert time.monotonic() - started < 2


def test_a_mebibyte_is_taken_and_a_byte_more_is_not(post):
    body = b'{"name": "' + b"x" * (1024 * 1024 - 12) + b'"}'
    assert len(body) == 1024 * 1024
    assert post(body).status_code == 200
    answer = post(body + b" ")
    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "too_large"


def test_the_worst_mebibyte_is_parsed_within_a_second():
    body = b'{"a": [' + b'{"b":[]},' * 110_000 + b"1]}"
    started = time.monotonic()
    parsing.loads(body)
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("body", [b"", b"  \n"])
def test_an_empty_body_is_an_empty_object(post, body):
    assert post(body).json()["data"] == {}


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1"],
)
def test_another_media_type_is_415(post, content_type):
    answer = post(b'{"name": "x"}', content_type)
    assert answer.status_code == 415
    assert answer.json()["error"]["code"] == "unsupported_media_type"


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=UTF-8"])
def test_json_in_utf_8_is_taken(post, content_type):
    assert post('{"name": "ä"}'.encode(), content_type).json()["data"] == {"name": "ä"}


def test_chunks_without_a_length_are_411_rather_than_an_empty_body(client):
    answer = client.generic(
        "POST", "/api/echo", b"", headers={"Transfer-Encoding": "chunked"}, CONTENT_LENGTH=""
    )
    assert answer.status_code == 411
    assert answer.json()["error"]["code"] == "length_required"


@pytest.mark.option("server.max_body_bytes")
def test_how_large_a_body_may_be_can_be_changed(post):
    body = b'{"name": "' + b"x" * 100_000 + b'"}'
    assert post(body).status_code == 200
    with options.replaced({"server.max_body_bytes": 65_536}):
        answer = post(body)
        assert answer.status_code == 413
        assert answer.json()["error"]["message"] == "The body is larger than 65,536 bytes."
    large = b'{"name": "' + b"x" * 2_000_000 + b'"}'
    assert post(large).status_code == 413
    with options.replaced({"server.max_body_bytes": 2_500_000}):
        assert post(large).status_code == 200
