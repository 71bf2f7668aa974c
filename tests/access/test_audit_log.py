"""The audit log grows, cannot be changed, and a change made all the same is found."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from django.db import DatabaseError, connection, transaction

from core.access import audit, exports, sealing
from core.access.actor import Actor
from core.access.models import AuditEntry
from core.api import request_id
from core.locks import lock_for_transaction
from tests.waiting import until

ADA = Actor(kind="user", id="7", name="ada", scopes=frozenset(), address="192.0.2.1")


def record(number: int = 1, **options) -> AuditEntry:
    return audit.record(
        actor=ADA, action="thing.change", target=f"thing_{number}", details={"n": number}, **options
    )


@pytest.fixture
def unprotected(db):
    """Somebody who owns the tables switches the protection off."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE access_auditentry DISABLE TRIGGER access_audit_protect")
        yield cursor
        cursor.execute("ALTER TABLE access_auditentry ENABLE TRIGGER access_audit_protect")


@pytest.mark.django_db
class TestRecord:
    def test_it_says_who_did_what_from_where_in_which_request(self):
        request_id.adopt("request-1234")
        try:
            record(outcome="failure")
        finally:
            request_id.adopt("")
        entry = AuditEntry.objects.get()
        assert (entry.actor_kind, entry.actor_id, entry.actor_name) == ("user", "7", "ada")
        assert (entry.action, entry.target, entry.details) == ("thing.change", "thing_1", {"n": 1})
        assert (entry.outcome, entry.request_id) == ("failure", "request-1234")
        assert entry.address == "192.0.2.1"

    def test_it_exists_only_if_the_change_does(self):
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            record()
            raise ZeroDivisionError
        assert not AuditEntry.objects.exists()

    def test_what_json_and_postgresql_do_not_share_is_made_plain(self):
        audit.record(
            actor=ADA, action="a.b", target="t", details={"a": "x\0y", "b": {1, 2}, "c": ADA.scopes}
        )
        assert AuditEntry.objects.get().details == {"a": "x\ufffdy", "b": [1, 2], "c": []}


@pytest.mark.django_db
class TestAppendOnly:
    @pytest.fixture(autouse=True)
    def entries(self):
        record(1)
        sealing.seal()
        record(2)

    @pytest.mark.parametrize(
        "change",
        [
            "UPDATE access_auditentry SET target = 'other'",
            "UPDATE access_auditentry SET sequence = 9, digest = '', target = 'x'"
            " WHERE sequence IS NULL",
            "UPDATE access_auditentry SET digest = '' WHERE sequence IS NOT NULL",
            "UPDATE access_auditentry SET sequence = NULL, digest = NULL",
            "UPDATE access_auditentry SET sequence = 9 WHERE sequence IS NULL",
            "DELETE FROM access_auditentry",
            "DELETE FROM access_auditentry WHERE sequence IS NULL",
        ],
    )
    def test_the_database_refuses(self, change):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            connection.cursor().execute(change)
        assert AuditEntry.objects.count() == 2

    def test_it_cannot_be_emptied(self):
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE access_auditentry ENABLE TRIGGER access_audit_no_truncate")
            with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
                cursor.execute("TRUNCATE access_auditentry")
            cursor.execute("ALTER TABLE access_auditentry DISABLE TRIGGER access_audit_no_truncate")


@pytest.mark.django_db
class TestChain:
    @pytest.fixture(autouse=True)
    def sealed(self):
        for number in range(1, 6):
            record(number)
        assert sealing.seal() == 5

    def verdict(self, **options) -> sealing.Verdict:
        return sealing.verify(sealing.sealed_entries(), **options)

    def test_what_nobody_touched_is_whole(self):
        assert self.verdict() == sealing.Verdict(sealing.head())
        assert sealing.head().sequence == 5

    def test_new_entries_are_sealed_behind_it(self):
        before = sealing.head()
        record(6)
        assert sealing.seal() == 1
        assert sealing.seal() == 0
        assert self.verdict(through=before).problem is None
        assert sealing.head().sequence == 6

    def test_more_than_a_batch_is_sealed_in_turns(self, monkeypatch):
        monkeypatch.setattr(sealing, "BATCH", 2)
        for number in range(5):
            record(number)
        assert [sealing.seal() for _ in range(4)] == [2, 2, 1, 0]
        assert self.verdict().head.sequence == 10

    @pytest.mark.parametrize(
        ("tampering", "problem"),
        [
            ("UPDATE access_auditentry SET target = 'x' WHERE sequence = 3", "Entry 3 is not"),
            ("UPDATE access_auditentry SET details = '{}' WHERE sequence = 1", "Entry 1 is not"),
            ("UPDATE access_auditentry SET time = now() WHERE sequence = 5", "Entry 5 is not"),
            ("DELETE FROM access_auditentry WHERE sequence = 2", "Entry 2 is missing"),
            (
                "DELETE FROM access_auditentry WHERE sequence = 2;"
                "UPDATE access_auditentry SET sequence = sequence - 1 WHERE sequence > 2",
                "Entry 2 is not",
            ),
        ],
    )
    def test_a_change_is_found_where_it_was_made(self, unprotected, tampering, problem):
        unprotected.execute(tampering)
        assert problem in self.verdict().problem

    def test_a_log_that_was_cut_or_rewritten_does_not_pass_a_head_noted_earlier(self, unprotected):
        noted = sealing.head()
        unprotected.execute("DELETE FROM access_auditentry WHERE sequence = 5")
        assert self.verdict().problem is None
        assert "ends at 4" in self.verdict(through=noted).problem
        record(99)
        sealing.seal()
        assert self.verdict().problem is None
        assert "not the one" in self.verdict(through=noted).problem

    def test_an_export_is_verified_without_the_database(self, tmp_path, django_assert_num_queries):
        path = tmp_path / "audit.jsonl"
        head = exports.write(path, sealing.sealed_entries())
        assert head == sealing.head()
        with django_assert_num_queries(0):
            assert exports.verify(path) == sealing.Verdict(head)

    @pytest.mark.parametrize(
        ("tamper", "problem"),
        [
            (lambda lines: lines[:2] + lines[3:], "Entry 3 is missing"),
            (lambda lines: lines[:-1], "has no head"),
            (lambda lines: lines[:-2] + lines[-1:], "ends at 4"),
            (lambda lines: [lines[0].replace("ada", "eve"), *lines[1:]], "Entry 1 is not"),
            (lambda lines: [lines[1], lines[0], *lines[2:]], "Entry 1 is missing"),
        ],
    )  # fmt: skip
    def test_a_change_of_an_export_is_found(self, tmp_path, tamper, problem):
        path = tmp_path / "audit.jsonl"
        exports.write(path, sealing.sealed_entries())
        path.write_text("".join(tamper(path.read_text().splitlines(keepends=True))))
        assert problem in exports.verify(path).problem

    @pytest.mark.parametrize("text", ["nonsense\n", "[1]\n", '{"a": 1}\n', '{"head": "x"}\n'])
    def test_a_file_that_is_no_export_is_said_to_be_none(self, tmp_path, text):
        path = tmp_path / "audit.jsonl"
        path.write_text(text)
        with pytest.raises(ValueError, match="not a line of an export"):
            exports.verify(path)


@pytest.mark.django_db(transaction=True)
class TestSealingMeanwhile:
    def test_an_entry_that_commits_late_is_sealed_later(self):
        begun, go_on = Event(), Event()

        def slow_writer():
            try:
                with transaction.atomic():
                    record(1)
                    begun.set()
                    assert go_on.wait(20)
            finally:
                connection.close()

        with ThreadPoolExecutor(1) as pool:
            writing = pool.submit(slow_writer)
            assert begun.wait(20)
            record(2)
            assert sealing.seal() == 1
            go_on.set()
            writing.result()
        assert sealing.seal() == 1
        targets = [entry["target"] for entry in sealing.sealed_entries()]
        assert targets == ["thing_2", "thing_1"]
        assert sealing.verify(sealing.sealed_entries()).problem is None

    def test_one_sealer_at_a_time(self):
        record(1)
        held, go_on = Event(), Event()

        def other_sealer():
            try:
                with transaction.atomic():
                    lock_for_transaction("access.seal_audit")
                    held.set()
                    assert go_on.wait(20)
            finally:
                connection.close()

        with ThreadPoolExecutor(1) as pool:
            other = pool.submit(other_sealer)
            assert held.wait(20)
            assert sealing.seal() == 0
            go_on.set()
            other.result()
        assert until(sealing.seal) == 1
