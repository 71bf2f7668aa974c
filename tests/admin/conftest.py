"""People of each role, logged in, and the reading of a page as a strict browser would."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser

import pytest
from django.contrib.auth.models import Group, User
from django.contrib.messages import get_messages
from django.http import HttpResponse
from django.test import Client

from tests.config.conftest import change as change
from tests.config.conftest import declare as declare
from tests.config.conftest import share as share
from tests.config.conftest import token as token


@pytest.fixture
def person(db) -> Callable[..., Client]:
    """Log somebody in: `person("operator")`, or `person(superuser=True)`, or nobody's role."""

    def make(*roles: str, superuser: bool = False, staff: bool = True) -> Client:
        name = "-".join(roles) or ("superuser" if superuser else "plain")
        user = User.objects.create(username=name, is_staff=staff, is_superuser=superuser)
        user.groups.add(*Group.objects.filter(name__in=roles))
        client = Client()
        client.force_login(user)
        return client

    return make


@pytest.fixture
def administrator(person) -> Client:
    return person("administrator")


@pytest.fixture
def superuser(person) -> Client:
    return person(superuser=True)


def said(response: HttpResponse) -> str:
    """What the page that this response leads to will tell the person."""
    return " ".join(str(each) for each in get_messages(response.wsgi_request))


class StrictReader(HTMLParser):
    """Collects what our policy or our promises forbid in a page."""

    def __init__(self) -> None:
        super().__init__()
        self.offences: list[str] = []
        self.in_script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        is_data = given.get("type") == "application/json"
        self.in_script = tag in ("script", "style") and "src" not in given and not is_data
        if tag == "style" or "style" in given:
            self.offences.append(f"<{tag}> has an inline style")
        for name, value in attrs:
            if name.startswith("on"):
                self.offences.append(f"<{tag} {name}>")
            if name in ("src", "href", "action", "srcset") and _leaves(value or ""):
                self.offences.append(f"<{tag} {name}={value!r}>")

    def handle_data(self, data: str) -> None:
        if self.in_script and data.strip():
            self.offences.append(f"inline script: {data.strip()[:60]}")

    def handle_endtag(self, tag: str) -> None:
        self.in_script = False


def _leaves(address: str) -> bool:
    return bool(re.match(r"(?i)\s*(https?:|//|javascript:)", address))


def offences(response: HttpResponse) -> list[str]:
    """What a strict policy would refuse in the page; empty for a clean one."""
    reader = StrictReader()
    reader.feed(response.content.decode())
    return reader.offences
