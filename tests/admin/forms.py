"""Filling in the form of the configuration as a browser does, without a script."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

from django.http import HttpResponse


class FormReader(HTMLParser):
    """What a browser would post of the form with `action`, as it was shown."""

    def __init__(self, action: str) -> None:
        super().__init__()
        self.action = action
        self.fields: dict[str, Any] = {}
        self._inside = False
        self._select: str | None = None
        self._textarea: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self._inside = (given.get("action") or "").endswith(self.action)
        if not self._inside:
            return
        name = given.get("name")
        if tag == "input" and name:
            if given.get("type") != "checkbox" or "checked" in given:
                self.fields[name] = given.get("value") or ""
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and "selected" in given:
            self.fields[self._select] = given.get("value") or ""
        elif tag == "textarea" and name:
            self._textarea, self.fields[name] = name, ""

    def handle_data(self, data: str) -> None:
        if self._inside and self._textarea:
            self.fields[self._textarea] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self._textarea:
            text = self.fields[self._textarea].removeprefix("\n")
            self.fields[self._textarea] = text.replace("\n", "\r\n")
            self._textarea = None
        elif tag == "form":
            self._inside = False
        elif tag == "select":
            self._select = None


def form(response: HttpResponse, action: str) -> dict[str, Any]:
    reader = FormReader(action)
    reader.feed(response.content.decode())
    assert reader.fields, f"no form posts to {action}"
    return reader.fields


def shown(response: HttpResponse) -> str:
    """The page as text, each run of white space as one space."""
    return " ".join(response.content.decode().split())
