"""POST /services, PATCH and DELETE /services/{name}."""

from __future__ import annotations

import pytest

from core.access.models import AuditEntry
from core.config.secrets import MASK
from services.registry.models import Service
from tests.services.catalog.answers import code_of, data_of, wrong
from tests.services.specimens import DOOR, PACE, WORD, definition

pytestmark = pytest.mark.django_db
SHOP = "/api/v1/services/shop"


@pytest.fixture
def post(client):
    def send(document, **headers):
        return client.post("/api/v1/services", document, format="json", headers=headers)

    return send


@pytest.fixture
def patch(client):
    def send(changes, path=SHOP, **headers):
        return client.patch(path, changes, format="json", headers=headers)

    return send


class TestCreating:
    def test_it_answers_with_the_service_and_where_it_is(self, post, client):
        answer = post(definition(probe={**DOOR, "password": WORD}))
        data = data_of(answer, 201)
        assert answer["Location"] == SHOP
        assert client.get(SHOP)["ETag"] == answer["ETag"]
        assert data["probe"] == {**DOOR, **PACE, "password": MASK}
        assert WORD not in answer.content.decode()
        assert AuditEntry.objects.get(action="service.create").actor_kind == "key"

    @pytest.mark.parametrize(
        ("document", "fields"),
        [
            ({}, {("name", "missing"), ("type", "missing"), ("probe", "missing")}),
            (definition(probe={"type": "door"}), {("probe.host", "missing")}),
            (definition(dependencies=["nobody"]), {("dependencies", "unknown_service")}),
            (definition("import"), {("name", "value_error")}),
            (definition(owner="a\0"), {("owner", "null_character")}),
        ],
    )
    def test_what_makes_no_sense_is_refused_with_the_place(self, post, document, fields):
        assert wrong(post(document)) == fields

    def test_a_name_that_is_taken_is_409(self, post):
        data_of(post(definition()), 201)
        assert code_of(post(definition()), 409) == "already_exists"

    def test_said_again_with_the_same_key_it_is_the_same(self, post):
        keyed = {"Idempotency-Key": "once"}
        first = post(definition(), **keyed)
        assert post(definition(), **keyed).content == first.content
        assert Service.objects.count() == 1


class TestChanging:
    def test_it_answers_with_the_service_as_it_is_now(self, patch, create):
        create(owner="ada", tags=["eu"])
        answer = patch({"owner": "bob", "tags": None})
        data = data_of(answer)
        assert (data["owner"], data["tags"]) == ("bob", [])
        assert data["last_change"]["by"] == "key:test"

    def test_who_has_not_seen_the_newest_changes_nothing(self, patch, client, create):
        create()
        etag = client.get(SHOP)["ETag"]
        newer = patch({"owner": "ada"}, **{"If-Match": etag})
        assert newer["ETag"] != etag
        refused = patch({"owner": "bob"}, **{"If-Match": etag})
        assert code_of(refused, 412) == "precondition_failed"
        assert refused["ETag"] == newer["ETag"]

    @pytest.mark.parametrize(
        ("changes", "fields"),
        [
            ({"name": "store"}, {("name", "read_only")}),
            ({"probe": None}, {("probe", "missing")}),
            ({"desired_state": "stopped"}, {("desired_state", "extra_forbidden")}),
            ({"dependencies": ["shop"]}, {("dependencies", "cycle")}),
            ({"probe": {"type": "door", "host": 5}}, {("probe.host", "string_type")}),
        ],
    )
    def test_what_makes_no_sense_is_refused_with_the_place(self, patch, create, changes, fields):
        create()
        assert wrong(patch(changes)) == fields

    def test_what_a_part_of_the_instance_is_stays(self, patch, part):
        answer = patch({"type": "Motor"}, path="/api/v1/services/engine")
        assert wrong(answer, 409) == {("type", "part_of_the_instance")}

    @pytest.mark.parametrize("name", ["nobody", "a%00b"])
    def test_a_service_there_is_not_is_404(self, patch, name):
        assert code_of(patch({}, path=f"/api/v1/services/{name}"), 404) == "not_found"


class TestDeleting:
    def test_it_is_gone(self, client, create):
        create()
        assert client.delete(SHOP).status_code == 204
        assert client.delete(SHOP).status_code == 404

    def test_what_others_need_is_409_and_names_them(self, client, create):
        create()
        create("a", dependencies=["shop"])
        answer = client.delete(SHOP)
        assert code_of(answer, 409) == "has_dependents"
        assert answer.json()["error"]["dependents"] == ["a"]

    def test_a_part_of_the_instance_is_409(self, client, part):
        answer = client.delete("/api/v1/services/engine")
        assert code_of(answer, 409) == "part_of_the_instance"

    def test_who_has_not_seen_the_newest_deletes_nothing(self, client, create):
        create()
        answer = client.delete(SHOP, headers={"If-Match": '"older"'})
        assert code_of(answer, 412) == "precondition_failed"
