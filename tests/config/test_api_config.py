"""GET and PUT /config."""

from __future__ import annotations

import json

import pytest

from core.access.models import AuditEntry
from core.config.models import ConfigRevision
from core.config.secrets import MASK

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def declared(share, token, declare) -> None:
    declare("slow", restart=("worker",), restart_reason="It is read once.")


def data(answer) -> dict:
    assert answer.status_code == 200, answer.content
    return answer.json()["data"]


def error(answer, status: int) -> dict:
    assert answer.status_code == status, answer.content
    return answer.json()["error"]


class TestGet:
    def test_it_is_nested_and_masked(self, api):
        api("PUT", "config", {"test": {"share": 20, "token": "word"}})
        assert data(api("GET", "config"))["test"] == {"share": 20, "token": MASK, "slow": 10}

    def test_one_section(self, api):
        assert set(data(api("GET", "config?section=test"))) == {"test"}

    @pytest.mark.parametrize("section", ["nowhere", "%00", "", "x" * 5000])
    def test_a_section_there_is_not_names_those_there_are(self, api, section):
        answer = api("GET", f"config?section={section}")
        assert answer.status_code in (400, 404)
        if section == "nowhere":
            found = error(answer, 404)
            assert (found["code"], "test" in found["message"]) == ("not_found", True)

    def test_sources(self, api):
        api("PUT", "config", {"test.share": 20})
        found = data(api("GET", "config?sources=true&section=test"))["test"]
        assert found["share"] == {
            "value": 20, "source": "override", "default": 10, "writable": True,
            "overridden": True, "pending_restart": False, "running": 20, "waiting": [],
            "problem": None,
        }  # fmt: skip
        assert (found["slow"]["source"], found["token"]["default"]) == ("default", MASK)

    def test_secrets_are_shown_to_admins_alone_and_audited(self, api, make_key):
        api("PUT", "config", {"test.token": "word"})
        viewer = make_key("read:system")
        found = error(api("GET", "config?mask_secrets=false", key=viewer), 403)
        assert "admin:config" in found["message"]
        answer = api("GET", "config?mask_secrets=false", key=make_key("admin:config"))
        assert data(answer)["test"]["token"] == "word"
        assert "no-store" in answer["Cache-Control"]
        assert AuditEntry.objects.get(action="config.reveal").actor_kind == "key"

    def test_an_etag_saves_the_answer_until_something_changes(self, api):
        etag = api("GET", "config")["ETag"]
        for path in ("config", "config?section=test"):
            assert api("GET", path, **{"If-None-Match": etag}).status_code == 304
        api("PUT", "config", {"test.share": 20})
        answer = api("GET", "config", **{"If-None-Match": etag})
        assert (answer.status_code, answer["ETag"] == etag) == (200, False)

    @pytest.mark.parametrize(
        "query", ["sources=1", "mask_secrets=", "who=me", "section=a&section=b"]
    )
    def test_a_wrong_query_is_told(self, api, query):
        assert error(api("GET", f"config?{query}"), 400)["details"]


class TestPut:
    def test_it_answers_with_what_changed(self, api):
        body = {"test": {"slow": 8, "share": 10, "token": "word"}}
        found = data(api("PUT", "config", body))
        assert found["updated_keys"] == ["test.slow", "test.token"]
        assert (found["restart_required"], found["services_affected"]) == (True, ["worker"])
        assert found["restart"][0]["reason"] == "It is read once."
        assert found["watch"] is None
        assert "word" not in json.dumps(found)

    def test_a_viewer_may_not(self, api, make_key):
        answer = api("PUT", "config", {"test.share": 1}, key=make_key("read:system"))
        assert "admin:config" in error(answer, 403)["message"]

    def test_one_detail_for_each_key(self, api):
        body = {"test": {"share": 101, "slow": "1", "away": 1}, "nowhere": {}, "test.share": 1}
        found = error(api("PUT", "config", body), 400)
        assert found["code"] == "invalid_input"
        assert {each["field"]: each["code"] for each in found["details"]} == {
            "test.share": "out_of_range",
            "test.slow": "invalid_type",
            "test.away": "unknown_key",
            "nowhere": "unknown_section",
        }
        assert not ConfigRevision.objects.exists()

    @pytest.mark.parametrize("body", [b"[]", b"{", b'{"test": {"a": 1, "a": 1}}', b'"x"', b"\xff"])
    def test_what_is_no_document_is_refused(self, client, make_key, body):
        answer = client.put(
            "/api/v1/config", body, content_type="application/json",
            headers={"X-API-Key": make_key()},
        )  # fmt: skip
        assert error(answer, 400)["details"]

    def test_if_match(self, api):
        etag = api("GET", "config?sources=true")["ETag"]
        first = api("PUT", "config", {"test.share": 20}, **{"If-Match": etag})
        assert first["ETag"] == api("GET", "config")["ETag"]
        refused = api("PUT", "config", {"test.share": 30}, **{"If-Match": etag})
        assert error(refused, 412)["code"] == "precondition_failed"
        assert refused["ETag"] == first["ETag"]
        again = api("PUT", "config", {"test.share": 30}, **{"If-Match": first["ETag"]})
        assert data(again)["revision"] == 2

    def test_a_dry_run(self, api):
        found = data(api("PUT", "config?dry_run=true", {"test.slow": 20}))
        assert (found["dry_run"], found["restart_required"]) == (True, True)
        assert found["changes"] == [
            {"key": "test.slow", "before": None, "after": 20, "default": 10}
        ]
        assert data(api("GET", "config"))["test"]["slow"] == 10

    @pytest.mark.parametrize(
        ("query", "body"), [("?reason=why", {}), ("", {"reason": "why"}),
                            ("?reason=why", {"reason": "why"})],
    )  # fmt: skip
    def test_a_reason_in_the_query_or_the_body(self, api, query, body):
        api("PUT", f"config{query}", {"test.share": 20, **body})
        assert ConfigRevision.objects.get().reason == "why"

    @pytest.mark.parametrize(
        ("query", "reason"),
        [("?reason=one", "two"), ("", 1), ("", None), ("", ["x"]), ("", "x" * 501)],
    )
    def test_a_wrong_reason(self, api, query, reason):
        found = error(api("PUT", f"config{query}", {"test.share": 20, "reason": reason}), 400)
        assert found["details"][0]["field"] == "reason"

    @pytest.mark.parametrize("query", ["dry_run=yes", "watch=0", "watch=3601", "watch=soon"])
    def test_a_wrong_query_is_told(self, api, query):
        answer = api("PUT", f"config?{query}", {"test.share": 20})
        assert error(answer, 400)["details"][0]["field"] == query.partition("=")[0]
        assert not ConfigRevision.objects.exists()
