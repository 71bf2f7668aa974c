"""`GET /services/{name}/logs`"""

from __future__ import annotations

import pytest

LINES = [f"line {number}" for number in range(200)]


@pytest.fixture
def web(defined, tmp_path) -> None:
    defined("web")
    (tmp_path / "log").write_text("\n".join(LINES))


def get(api, address: str, status: int = 200) -> dict:
    answer = api.get(f"/api/v1/services/{address}")
    assert answer.status_code == status, answer.content
    return answer.json()["data" if status == 200 else "error"]


def test_the_newest_lines_come_the_oldest_of_them_first(web, api):
    assert get(api, "web/logs") == {"service": "web", "lines": LINES[-100:]}
    assert get(api, "web/logs?lines=2")["lines"] == LINES[-2:]


def test_what_a_program_writes_can_be_told_whatever_it_is(defined, api, tmp_path):
    defined("web")
    (tmp_path / "log").write_bytes(b"a\0b\n" + b"x" * 10_000)
    first, second = get(api, "web/logs")["lines"]
    assert first == "a\N{REPLACEMENT CHARACTER}b"
    assert (len(second), second[-1]) == (2000, "\N{HORIZONTAL ELLIPSIS}")


@pytest.mark.parametrize("query", ["lines=0", "lines=1001", "lines=many", "tail=3", "lines="])
def test_bad_input_is_refused(web, api, query):
    assert get(api, f"web/logs?{query}", 400)["details"]


def test_without_a_log_it_says_so(defined, api, monkeypatch):
    defined("web", controller=None)
    assert get(api, "web/logs", 409)["code"] == "action_not_supported"
    defined("other")
    monkeypatch.setattr("tests.services.actions.specimens.ProgramController.has_logs", False)
    assert get(api, "other/logs", 409)["code"] == "no_logs"
    assert get(api, "nobody/logs", 404)["code"] == "not_found"
