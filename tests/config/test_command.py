"""`manage.py config`."""

from __future__ import annotations

import io
import json
import sys
from functools import partial

import pytest
from cryptography.fernet import Fernet

from core.access.models import AuditEntry
from core.config import queries
from core.config.models import ConfigRevision
from core.config.secrets import MASK
from tests.commands import manage

pytestmark = pytest.mark.django_db
WORD = "correct horse"


@pytest.fixture
def run(share, token, declare):
    declare("name", str, default="x", restart=("web",), restart_reason="It is read once.")

    return partial(manage, "config")


def values() -> dict:
    return queries.document(section="test", masked=False)["test"]


class TestGet:
    def test_a_table_of_all_or_a_section(self, run):
        run("set", "test.share=20", f"test.token={WORD}")
        for arguments in ([], ["test"]):
            ran = run("get", *arguments)
            assert ran.code == 0
            for part in ("test.share", "20", "override", MASK):
                assert part in ran.out
            assert WORD not in ran.out

    def test_a_key_is_its_value_alone(self, run):
        run("set", "test.share=20", "test.name=warm")
        assert run("get", "test.share").out == "20\n"
        assert run("get", "test.name").out == "warm\n"

    def test_secrets_are_shown_when_asked_and_audited(self, run):
        run("set", f"test.token={WORD}")
        assert run("get", "test.token").out == f"{MASK}\n"
        assert not AuditEntry.objects.filter(action="config.reveal").exists()
        assert run("get", "test.token", "--show-secrets").out == f"{WORD}\n"
        assert AuditEntry.objects.filter(action="config.reveal").count() == 1

    def test_as_json(self, run):
        assert json.loads(run("get", "test", "--json").out)["test"]["share"] == 10
        told = json.loads(run("get", "test.share", "--sources", "--json").out)
        assert told["test"]["share"]["source"] == "default"

    @pytest.mark.parametrize("name", ["nowhere", "test.away", "nowhere.away", "."])
    def test_what_there_is_not_is_4(self, run, name):
        ran = run("get", name)
        assert (ran.code, ran.out) == (4, "")
        assert ran.err

    def test_a_lost_key_is_reported(self, run, settings):
        run("set", f"test.token={WORD}")
        settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
        assert "NEXUS_ENCRYPTION_KEYS" in run("get").out
        ran = run("get", "test.token")
        assert (ran.code, "NEXUS_ENCRYPTION_KEYS" in ran.err) == (0, True)


class TestSet:
    def test_it_says_what_changed(self, run):
        ran = run("set", "test.share=20", "test.name=[b]", "--reason", "too slow")
        assert ran.code == 0
        for part in ("test.share", "20", "[b]", "Revision 1.", "web", "It is read once."):
            assert part in ran.out
        assert ConfigRevision.objects.get().reason == "too slow"

    @pytest.mark.parametrize(
        ("typed", "value"), [("warm", "warm"), ("5", "5"), ('"5"', "5"), ("", ""), ("a=b", "a=b"),
                             ("true", "true"), ("NaN", "NaN"), ("null", "x"), ("[1]", "[1]")],
    )  # fmt: skip
    def test_text_needs_no_quotes(self, run, typed, value):
        assert run("set", f"test.name={typed}").code == 0
        assert values()["name"] == value

    def test_a_dry_run(self, run):
        ran = run("set", "test.share=20", "--dry-run")
        assert (ran.code, "Nothing was changed." in ran.out) == (0, True)
        assert not ConfigRevision.objects.exists()

    def test_nothing_to_do(self, run):
        assert "Nothing has changed." in run("set", "test.share=10").out

    def test_as_json(self, run):
        assert json.loads(run("set", "test.share=20", "--json").out)["updated_keys"] == [
            "test.share"
        ]

    @pytest.mark.parametrize(
        "arguments",
        [["test.share=101"], ["test.share"], ["share=1"], ["test.share=warm"], ["nowhere.a=1"],
         ["test.share=1", "test.share=2"], ["test.share=" + "[" * 10_000],
         ["test.share=1", "--reason", "x" * 501], ["test.share=1", "--watch", "0"]],
    )  # fmt: skip
    def test_wrong_usage_is_2_and_changes_nothing(self, run, arguments):
        ran = run("set", *arguments)
        assert (ran.code, ran.out) == (2, "")
        assert not ConfigRevision.objects.exists()

    def test_every_wrong_key_is_named(self, run):
        ran = run("set", "test.share=101", "test.away=1")
        assert len(ran.err.strip().splitlines()) == 2


class TestHistory:
    @pytest.fixture(autouse=True)
    def two(self, run):
        run("set", "test.share=20", f"test.token={WORD}", "--reason", "first")
        run("set", "test.share=30")

    def test_the_list_and_one(self, run):
        assert "first" in run("history").out
        ran = run("history", "1")
        assert "test.token" in ran.out
        assert WORD not in ran.out
        assert [each["number"] for each in json.loads(run("history", "--json").out)] == [2, 1]
        assert len(json.loads(run("history", "--limit", "1", "--json").out)) == 1

    def test_the_difference(self, run):
        assert "20" in run("diff", "1").out
        found = json.loads(run("diff", "2", "1", "--json").out)
        assert [(each["before"], each["after"]) for each in found["changes"]] == [(30, 20)]

    def test_the_way_back(self, run):
        assert run("rollback", "1", "--dry-run").code == 0
        assert values()["share"] == 30
        assert "Revision 3." in run("rollback", "1", "--reason", "better").out
        assert values()["share"] == 20
        assert "back to 1: better" in run("history").out

    @pytest.mark.parametrize("arguments", [["history", "9"], ["diff", "9"], ["rollback", "9"]])
    def test_a_revision_there_is_not_is_4(self, run, arguments):
        assert run(*arguments).code == 4


class TestFiles:
    def test_an_export_goes_back_in(self, run, tmp_path):
        file = tmp_path / "config.yaml"
        run("set", "test.share=20", f"test.token={WORD}")
        assert run("export", str(file)).code == 0
        assert WORD not in file.read_text()
        assert file.stat().st_mode & 0o777 == 0o600
        run("rollback", "0")
        assert run("import", str(file), "--reason", "moved").code == 0
        assert values() == {"share": 20, "token": "", "name": "x"}
        assert ConfigRevision.objects.get(number=3).reason == "moved"

    def test_a_file_that_others_could_read_is_closed_to_them(self, run, tmp_path):
        file = tmp_path / "config.yaml"
        file.write_text("old")
        file.chmod(0o644)
        run("set", f"test.token={WORD}")
        assert run("export", str(file), "--secrets").code == 0
        assert file.stat().st_mode & 0o777 == 0o600
        assert WORD in file.read_text()

    @pytest.mark.parametrize("text", ["a: !!int ''", "a: !!bool x", "a: !!timestamp x"])
    def test_what_yaml_can_not_make_is_a_wrong_document(self, run, tmp_path, text):
        file = tmp_path / "config.yaml"
        file.write_text(text)
        assert run("import", str(file)).code == 2

    def test_with_secrets_when_asked_and_always_audited(self, run):
        run("set", f"test.token={WORD}")
        assert WORD not in run("export").out
        assert WORD in run("export", "--secrets").out
        asked = AuditEntry.objects.filter(action="config.export").order_by("id")
        assert [each.details["with_secrets"] for each in asked] == [False, True]

    def test_from_stdin(self, run, monkeypatch):
        monkeypatch.setattr(sys, "stdin", io.StringIO("test:\n  share: 20\n"))
        assert run("import", "-").code == 0
        assert values()["share"] == 20

    @pytest.mark.parametrize(
        "text",
        ["test:\n  share: 20\n  away: 1\n", "- 1", "text", "1: 2", "test: {1: 2}", "{", "test: 1",
         "test: {share: 1, share: 2}", "test: &a {x: *a}", "a: &a [1]\nb: [*a, *a]",
         "!!python/object/apply:os.system [true]", "\x00", "[" * 10_000, "#" * 1_100_000,
         "test: {share: 2020-99-99}", "test: {? [1] : 2}"],
    )  # fmt: skip
    def test_a_wrong_file_changes_nothing(self, run, tmp_path, text):
        file = tmp_path / "config.yaml"
        file.write_text(text)
        ran = run("import", str(file))
        assert (ran.code, ran.out) == (2, "")
        assert ran.err.strip()
        assert not ConfigRevision.objects.exists()

    def test_a_file_there_is_not(self, run, tmp_path):
        assert run("import", str(tmp_path / "nothing")).code == 2
        assert run("export", str(tmp_path / "no" / "folder")).code == 2


def test_the_schema(run):
    assert json.loads(run("schema").out)["properties"]["test"]["properties"]["share"]


def test_rotated_keys(run, settings):
    run("set", f"test.token={WORD}")
    old = settings.ENCRYPTION_KEYS
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode(), *old]
    assert "2 ciphertexts" in run("rotate-keys").out
    settings.ENCRYPTION_KEYS = settings.ENCRYPTION_KEYS[:1]
    assert values()["token"] == WORD
    settings.ENCRYPTION_KEYS = old
    ran = run("rotate-keys")
    assert (ran.code, "No key opens test.token." in ran.out) == (5, True)
