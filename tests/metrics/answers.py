"""What an answer of the API says."""

from __future__ import annotations


def data(answer):
    assert answer.status_code == 200, answer.content
    assert answer["Content-Type"] == "application/json"
    assert answer.json()["success"] is True
    return answer.json()["data"]


def details(answer) -> dict[tuple[str, str], str]:
    """The messages by field and code."""
    assert answer.status_code == 400, answer.content
    error = answer.json()["error"]
    assert error["code"] == "invalid_input"
    return {(each["field"], each["code"]): each["message"] for each in error["details"]}
