"""When keys were used and who was refused: noted in memory, written in the background."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from core.access import usage
from core.access.models import ApiKey, AuditEntry
from core.processes import loops

pytestmark = pytest.mark.django_db


def test_a_use_is_written_with_its_address(call, make_key):
    call("keys", make_key())
    assert ApiKey.objects.get().last_used_at is None
    assert usage.write_used_keys() == 1
    key = ApiKey.objects.get()
    assert timezone.now() - key.last_used_at < timedelta(seconds=10)
    assert key.last_used_address == "127.0.0.1"


def test_at_most_once_a_minute(call, make_key):
    text = make_key()
    for written in (1, 0):
        call("keys", text)
        assert usage.write_used_keys() == written
    ApiKey.objects.update(last_used_at=timezone.now() - timedelta(seconds=61))
    call("keys", text)
    assert usage.write_used_keys() == 1


def test_a_flood_of_bad_keys_is_one_audit_entry_an_address(client):
    for number in range(40):
        client.get("/api/v1/keys", headers={"X-API-Key": f"bad-{number}"})
    assert not AuditEntry.objects.exists()
    assert usage.write_refusals() == 1
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.target, entry.outcome) == (
        "authentication.refused", "127.0.0.1", "denied"
    )  # fmt: skip
    assert entry.details == {"attempts": 40, "reasons": {"This API key is not valid.": 40}}
    assert usage.write_refusals() == 0


def test_a_flood_from_everywhere_is_bounded_too(monkeypatch):
    monkeypatch.setattr(usage, "MOST_ADDRESSES", 3)
    for number in range(10):
        usage.attempt_refused(f"192.0.2.{number}", "bad")
    assert usage.write_refusals() == 4
    others = AuditEntry.objects.get(target="others")
    assert others.details["attempts"] == 7
    assert others.address is None


def test_the_loops_that_write_are_registered():
    roles = {name: loop.roles for name, loop in loops.registry.items()}
    assert roles["access.write_usage"] == roles["access.write_refusals"] == {"web"}
    assert roles["access.seal_audit"] == {"worker"}
