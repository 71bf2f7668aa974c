"""The page of the configuration, step by step, for options of the section `test`."""

from __future__ import annotations

import re
from typing import Any

from django.test import Client
from django.urls import reverse

from core.config import queries
from tests.admin.forms import form, shown

PAGE = "/admin/config/configentry/"
ACTIONS = ("review", "apply", "edit")


def address(action: str) -> str:
    return reverse(f"admin:config_configentry_{action}")


def filled(client: Client, **typed: str) -> dict[str, Any]:
    """The form as it is shown, with some fields of the section `test` typed over."""
    fields = form(client.get(PAGE), address("review"))
    return fields | {f"test.{name}": text for name, text in typed.items()}


def review(client: Client, **typed: str):
    return client.post(address("review"), filled(client, **typed))


def apply(client: Client, response, **more: str):
    return client.post(address("apply"), form(response, address("apply")) | more)


def values() -> dict[str, Any]:
    return queries.document(section="test", masked=False)["test"]


def option(response, name: str) -> str:
    """The part of the page that is about one option."""
    end = r'(?=<div class="nx-option"|</section>)'
    found = re.search(rf'<div class="nx-option" id="test\.{name}".*?{end}', shown(response))
    assert found, f"test.{name} is not on the page"
    return found.group()
