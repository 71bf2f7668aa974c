"""Registering and changing services in the admin, and taking in files of them."""

from __future__ import annotations

import pytest
import yaml
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from services.catalog import kinds
from services.catalog.admin import starters
from services.registry import definitions, files, secret_fields
from services.registry.models import Service
from tests.admin.conftest import offences, said
from tests.admin.conftest import person as person
from tests.admin.conftest import superuser as superuser
from tests.admin.forms import form, shown
from tests.services.specimens import WORD, definition

pytestmark = pytest.mark.django_db
ADD = "/admin/services/service/add/"
IMPORT = "/admin/services/service/import/"
HOSTILE = "<script>alert(1)</script>"
HOSTILE_TEXTS = [
    "", "[", "- a", "a: &b c\nd: *b", "a: 1\na: 2", "name: 2026-01-01", "x\0", "[" * 500,
    'name: "\\ud800"', "name: !!python/object:os.system x", '{"name": NaN}', HOSTILE,
]  # fmt: skip


def text_of(**given) -> str:
    return files.text_of(definition(**given))


def address(page: str = "change", name: str = "shop") -> str:
    return reverse(f"admin:services_service_{page}", args=[name])


def stored(name: str = "shop") -> Service:
    return Service.objects.get(name=name)


class TestRegistering:
    def test_it_begins_with_a_template(self, superuser):
        page = superuser.get(ADD, {"probe": "postgres"})
        assert "type: postgres" in shown(page)
        assert '<option value="postgres" selected>' in shown(page)
        assert offences(page) == []
        for probe in ("part", "no", HOSTILE):
            assert "type: http" in shown(superuser.get(ADD, {"probe": probe}))

    def test_every_template_is_a_definition(self):
        built_in = {each["type"] for each in kinds.kinds()["probes"]} - {"door", "gate"}
        assert built_in == starters.CONFIGURATIONS.keys()
        for probe in built_in:
            definitions.check(starters.document(probe))

    def test_the_type_of_a_plugin_has_what_it_needs(self, superuser):
        assert "password: &#x27;&#x27;" in shown(superuser.get(ADD, {"probe": "gate"}))

    def test_what_is_registered(self, person):
        operator = person("operator")
        answer = operator.post(ADD, {"definition": text_of(tags=["eu"]).replace("\n", "\r\n")})
        assert answer["Location"] == address()
        assert "shop is registered" in said(answer)
        assert (stored().tags, stored().changed_by) == (["eu"], "user:operator")

    def test_what_is_wrong_stands_at_its_line(self, superuser):
        text = "name: shop\ntype: Shop\nprobe:\n  type: door\n  host: 7\n  colour: red\n"
        page = superuser.post(ADD, {"definition": text})
        assert "2 things are wrong" in shown(page)
        for line, field in ((5, "probe.host"), (6, "probe.colour")):
            assert f'Line {line}</strong> <code class="nx-id">{field}</code>' in shown(page)
        assert "colour: red </textarea>" in shown(page)
        assert not Service.objects.exists()

    def test_a_name_that_is_taken(self, superuser, create):
        create()
        assert "already" in shown(superuser.post(ADD, {"definition": text_of()}))

    def test_what_is_no_definition(self, superuser):
        for text in HOSTILE_TEXTS:
            page = superuser.post(ADD, {"definition": text})
            assert page.status_code == 200
            assert "Nothing was changed" in shown(page)
            assert HOSTILE not in shown(page)
        assert not Service.objects.exists()

    def test_who_may(self, person):
        viewer = person("viewer")
        for where in (ADD, IMPORT):
            assert viewer.get(where).status_code == 403
            assert viewer.post(where, {"definition": text_of(), "text": "x"}).status_code == 403
        assert "Register a service" not in shown(viewer.get("/admin/services/service/"))
        assert not Service.objects.exists()


def preview(client: Client, text: str, **more: str):
    given = form(client.get(address("definition")), "")
    return client.post(address("definition"), {**given, "definition": text, **more})


def save(client: Client, previewed, **more: str):
    return client.post(address("definition"), {**form(previewed, ""), "do": "save", **more})


class TestChanging:
    @pytest.fixture(autouse=True)
    def shop(self, create) -> Service:
        probe = {"type": "door", "host": "shop", "password": WORD}
        return create(owner="ada", probe=probe, tags=["eu"])

    def test_the_text_is_its_definition_with_masks(self, superuser):
        page = superuser.get(address("definition"))
        given = yaml.safe_load(form(page, "")["definition"])
        assert given["probe"]["password"] == "***masked***"
        assert (given["owner"], given["tags"]) == ("ada", ["eu"])
        assert WORD not in shown(page)
        assert offences(page) == []

    def test_what_it_would_change_is_shown_first(self, superuser):
        probe = {"type": "door", "host": "<b>", "password": "another"}
        page = preview(superuser, text_of(owner="bob", probe=probe), do="save")
        text = shown(page)
        for before, after in (("ada", "bob"), ("shop", "&lt;b&gt;"), ("- eu", "")):
            assert f"<del>{before}</del>" in text
            assert f"<ins>{after}</ins>" in text
        assert "probe.password" in text
        assert offences(page) == []
        assert stored().owner == "ada"

    def test_what_was_shown_is_saved(self, superuser):
        probe = {"type": "door", "host": "shop", "password": "***masked***", "interval": 7}
        answer = save(superuser, preview(superuser, text_of(probe=probe)))
        assert answer["Location"] == address()
        assert (stored().owner, stored().tags) == ("", [])
        assert stored().probe["interval"] == 7
        assert secret_fields.decrypted(stored().secrets) == {"probe.password": WORD}

    def test_what_was_not_shown_is_shown(self, superuser):
        page = preview(superuser, text_of(owner="bob"))
        page = save(superuser, page, definition=text_of(owner="eve"))
        assert "<ins>eve</ins>" in shown(page)
        assert stored().owner == "ada"

    def test_somebody_else_was_quicker(self, superuser):
        page = preview(superuser, text_of(owner="bob"))
        Service.objects.update(owner="eve", version=2)
        page = save(superuser, page)
        assert "Somebody changed it meanwhile" in shown(page)
        assert "<del>eve</del>" in shown(page)
        assert stored().owner == "eve"
        save(superuser, page)
        assert stored().owner == "bob"

    def test_nothing_to_change(self, superuser):
        given = form(superuser.get(address("definition")), "")
        page = superuser.post(address("definition"), given)
        assert "it is defined like that already" in shown(page)
        assert 'value="save"' not in shown(page)
        assert stored().version == 1

    def test_what_is_wrong_stands_at_its_line(self, superuser):
        page = preview(superuser, text_of(owner="bob", dependencies=["gone"]))
        assert 'Line 7</strong> <code class="nx-id">dependencies</code>' in shown(page)
        page = preview(superuser, text_of(name="other"))
        assert 'Line 1</strong> <code class="nx-id">name</code>' in shown(page)
        assert "keeps its name" in shown(page)

    def test_what_is_no_definition(self, superuser):
        for text in HOSTILE_TEXTS:
            page = preview(superuser, text, do="save")
            assert page.status_code == 200
            assert "Nothing was changed" in shown(page)
        assert stored().version == 1

    def test_of_a_part_what_can_be_tuned(self, superuser, part):
        page = superuser.get(address("definition", "engine"))
        given = form(page, "")
        assert "you can tune" in shown(page)
        text = given["definition"] + "node: north\r\n"
        page = superuser.post(address("definition", "engine"), {**given, "definition": text})
        assert "The node of the instance&#x27;s own parts is fixed." in shown(page)
        text = given["definition"].replace("owner: &#x27;&#x27;", "").replace("''", "ada")
        page = superuser.post(address("definition", "engine"), {**given, "definition": text})
        again = {**form(page, ""), "do": "save"}
        superuser.post(address("definition", "engine"), again)
        assert stored("engine").owner == "ada"


def plan(client: Client, text: str, **more):
    return client.post(IMPORT, {"text": text, "do": "plan", **more})


def apply(client: Client, planned, **more: str):
    return client.post(IMPORT, {**form(planned, ""), "do": "apply", **more})


class TestImporting:
    @pytest.fixture
    def text(self, create) -> str:
        """Of a new one, one to change, one that is as it is."""
        for name in ("old", "same", "gone"):
            create(name)
        named = [definition("new"), definition("old", owner=HOSTILE), definition("same")]
        return files.text_of({"services": named})

    def test_the_plan_is_shown_first(self, superuser, text):
        page = plan(superuser, text, prune="on")
        for told in ("Creates 1", "Changes 1", "Deletes 1", "1 unchanged", "gone"):
            assert told in shown(page)
        assert HOSTILE not in shown(page)
        assert offences(page) == []
        assert Service.objects.count() == 3

    def test_what_was_shown_is_done(self, person, text):
        operator = person("operator")
        answer = apply(operator, plan(operator, text, prune="on"))
        assert "1 created, 1 changed, 1 deleted" in said(answer)
        assert sorted(Service.objects.values_list("name", flat=True)) == ["new", "old", "same"]
        page = plan(operator, text)
        assert "All of it is as the file says already." in shown(page)

    def test_what_was_not_shown_is_not_done(self, superuser, text):
        page = apply(superuser, plan(superuser, text), prune="on")
        assert "Deletes 1" in shown(page)
        page = apply(superuser, plan(superuser, text), text=text.replace("new", "newer"))
        assert "newer" in shown(page)
        assert Service.objects.count() == 3

    def test_a_file(self, superuser, text):
        given = SimpleUploadedFile("services.yaml", text.encode())
        page = plan(superuser, "ignored", file=given)
        assert "Creates 1" in shown(page)
        apply(superuser, page)
        assert Service.objects.count() == 4

    def test_a_file_that_is_none(self, superuser):
        given = SimpleUploadedFile("services.yaml", b"\xff\xfe")
        assert "is not UTF-8" in shown(plan(superuser, "", file=given))
        given = SimpleUploadedFile("services.yaml", b" " * (1024 * 1024 + 1))
        assert "takes more than" in shown(plan(superuser, "", file=given))

    def test_what_is_wrong_stands_at_its_line(self, superuser):
        text = "services:\n- name: shop\n  type: Shop\n  probe:\n    type: no\n- 7\n"
        page = plan(superuser, text)
        assert 'Line 5</strong> <code class="nx-id">services.0.probe.type</code>' in shown(page)
        assert 'Line 6</strong> <code class="nx-id">services.1</code>' in shown(page)

    def test_what_is_no_file_of_services(self, superuser):
        for text in (*HOSTILE_TEXTS, "services: 1", "services: [[[]]]"):
            page = plan(superuser, text)
            assert page.status_code == 200
            assert "Nothing was changed" in shown(page)
            assert HOSTILE not in shown(page)

    def test_what_is_given_out_can_be_taken_in(self, superuser, create):
        create(probe={"type": "door", "host": "shop", "password": WORD})
        answer = superuser.get(reverse("admin:services_service_export"))
        assert answer["Content-Disposition"] == 'attachment; filename="services.yaml"'
        assert WORD not in answer.content.decode()
        page = plan(superuser, answer.content.decode(), prune="on")
        assert "All of it is as the file says already." in shown(page)
