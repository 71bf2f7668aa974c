"""The audit log's page: found, read, verified, never changed."""

from __future__ import annotations

from django.db import connection
from django.urls import reverse

from core.access import sealing
from core.access.models import AuditEntry
from tests.admin import records
from tests.admin.conftest import said

LIST = "admin:access_auditentry_changelist"
VERIFY = "admin:access_auditentry_verify"


def test_entries_are_found_by_action_and_target(superuser):
    records.entry("backup.create", "backup_1")
    records.entry("key.revoke", "key_9")
    for query, found, other in (("backup", "backup_1", "key_9"), ("key_9", "key_9", "backup_1")):
        shown = superuser.get(reverse(LIST), {"q": query}).content.decode()
        assert found in shown
        assert other not in shown


def test_an_entry_shows_whether_it_is_sealed(superuser):
    entry = records.entry()
    address = reverse("admin:access_auditentry_change", args=[entry.pk])
    assert "Open" in superuser.get(address).content.decode()
    sealing.seal()
    assert "Sealed" in superuser.get(address).content.decode()


def test_verifying_says_that_the_chain_holds(superuser):
    records.entry()
    sealing.seal()
    told = said(superuser.post(reverse(VERIFY)))
    assert "The chain holds" in told


def test_verifying_finds_a_changed_entry(superuser):
    entry = records.entry()
    sealing.seal()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE access_auditentry DISABLE TRIGGER USER")
        AuditEntry.objects.filter(pk=entry.pk).update(outcome="denied")
        cursor.execute("ALTER TABLE access_auditentry ENABLE TRIGGER USER")
    told = said(superuser.post(reverse(VERIFY)))
    assert "broken" in told
    assert "not what was sealed" in told


def test_only_people_who_manage_security_verify(person):
    operator = person("operator")
    assert "Verify the chain" not in operator.get(reverse(LIST)).content.decode()
    assert "admin:security" in said(operator.post(reverse(VERIFY)))
