"""manage.py processes."""

from __future__ import annotations

import io
import json

import pytest
from django.core.management import call_command
from django.db.models.functions import Now

from core.processes.models import Process

pytestmark = pytest.mark.django_db


def said(*arguments: str) -> str:
    out = io.StringIO()
    call_command("processes", *arguments, stdout=out)
    return out.getvalue()


def test_it_lists_those_alive_or_all():
    Process.objects.create(node="here", pid=4711, role="web", version="1")
    Process.objects.create(node="here", pid=4712, role="web", version="1", stopped_at=Now())
    assert "4711" in said()
    assert "4712" not in said()
    assert "stopped" in said("--all")
    assert [each["pid"] for each in json.loads(said("--json"))] == [4711]
