"""`manage.py apikey` and `manage.py audit`."""

from __future__ import annotations

import json

import pytest

from core.access import audit, sealing, tokens
from core.access.actor import SYSTEM
from core.access.models import ApiKey, AuditEntry
from core.access.scopes import ALL_SCOPES
from tests.commands import manage

pytestmark = pytest.mark.django_db
UNKNOWN = "key_01h455vb4pex5vsknk084sn02q"


class TestCreate:
    def test_the_key_stands_alone_on_the_last_line(self, call):
        ran = manage(
            "apikey", "create", "ci", "--scope", "admin:security", "--scope", "read:metrics"
        )
        assert ran.code == 0
        assert tokens.parse(ran.last_line)
        assert call("keys", ran.last_line).status_code == 200
        key = ApiKey.objects.get()
        assert key.scopes == ["admin:security", "read:metrics"]
        assert key.created_by.startswith("command:")

    def test_all_scopes_networks_and_no_end(self):
        ran = manage(
            "apikey", "create", "ci", "--all-scopes", "--expires", "0", "--network", "10.0.0.0/8",
        )  # fmt: skip
        assert ran.code == 0
        key = ApiKey.objects.get()
        assert (set(key.scopes), key.expires_at, key.networks) == (ALL_SCOPES, None, ["10.0.0.0/8"])

    def test_a_name_is_printed_as_it_is(self):
        ran = manage("apikey", "create", "[/x]", "--scope", "read:system")
        assert (ran.code, "[/x]: read:system" in ran.out) == (0, True)
        assert "[/x]" in manage("apikey", "list").out

    def test_as_json(self):
        ran = manage("apikey", "create", "ci", "--scope", "read:system", "--expires", "3", "--json")
        assert tokens.parse(json.loads(ran.out)["key"])

    @pytest.mark.parametrize(
        "arguments",
        [[], ["--scope", "read:all"], ["--all-scopes", "--scope", "read:system"],
         ["--all-scopes", "--network", "here"]],
    )  # fmt: skip
    def test_wrong_usage_is_2_with_a_sentence(self, arguments):
        ran = manage("apikey", "create", "ci", *arguments)
        assert ran.code == 2
        assert ran.out == ""
        assert ran.err.strip().endswith(".")
        assert not ApiKey.objects.exists()


class TestTheOthers:
    @pytest.fixture
    def key_id(self) -> str:
        manage("apikey", "create", "ci", "--scope", "read:system")
        return json.loads(manage("apikey", "list", "--json").out)[0]["id"]

    def test_list(self, key_id):
        ran = manage("apikey", "list")
        assert ran.code == 0
        assert key_id in ran.out
        assert "read:system" in ran.out

    def test_rotate(self, key_id, call):
        ran = manage("apikey", "rotate", key_id, "--overlap", "0")
        assert ran.code == 0
        assert call("events", ran.last_line).status_code == 200

    def test_revoke_and_then_rotate_is_5(self, key_id):
        assert manage("apikey", "revoke", key_id).code == 0
        assert json.loads(manage("apikey", "list", "--json").out) == []
        (listed,) = json.loads(manage("apikey", "list", "--all", "--json").out)
        assert listed["state"] == "revoked"
        ran = manage("apikey", "rotate", key_id)
        assert (ran.code, ran.out) == (5, "")
        assert "revoked" in ran.err

    @pytest.mark.parametrize("action", ["rotate", "revoke"])
    @pytest.mark.parametrize("key_id", [UNKNOWN, "nonsense"])
    def test_a_key_there_is_not_is_4(self, action, key_id):
        assert manage("apikey", action, key_id).code == 4


class TestAudit:
    @pytest.fixture(autouse=True)
    def entries(self):
        for number in range(3):
            audit.record(actor=SYSTEM, action="thing.change", target=f"thing_{number}")

    def test_an_export_holds_everything_and_verifies(self, tmp_path):
        path = str(tmp_path / "audit.jsonl")
        ran = manage("audit", "export", path, "--json")
        assert ran.code == 0
        written = json.loads(ran.out)
        assert written["entries"] == 3
        assert not AuditEntry.objects.filter(sequence=None).exists()
        for arguments in ([], [path], [path, "--head", written["head"]]):
            verified = manage("audit", "verify", *arguments, "--json")
            assert verified.code == 0
            assert json.loads(verified.out) == written

    def test_a_broken_chain_is_1_and_says_where(self, tmp_path):
        path = tmp_path / "audit.jsonl"
        manage("audit", "export", str(path))
        path.write_text(path.read_text().replace("thing_1", "thing_9"))
        ran = manage("audit", "verify", str(path))
        assert ran.code == 1
        assert "Entry 2" in ran.err

    def test_a_head_that_was_noted_elsewhere_must_be_in_it(self):
        sealing.seal()
        ran = manage("audit", "verify", "--head", f"2:{'00' * 32}")
        assert ran.code == 1
        assert "not the one" in ran.err

    def test_wrong_usage_is_2(self, tmp_path):
        here = tmp_path / "here"
        here.write_text("nonsense")
        assert manage("audit", "verify", str(tmp_path / "nothing")).code == 2
        assert manage("audit", "verify", str(here)).code == 2
        assert manage("audit", "verify", "--head", "x").code == 2
        assert manage("audit", "export", str(here)).code == 2
        assert here.read_text() == "nonsense"
