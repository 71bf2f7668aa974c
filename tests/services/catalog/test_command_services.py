"""`manage.py service list|show|add|remove|graph`."""

from __future__ import annotations

import io
import json
from functools import partial

import pytest

from core.config.secrets import MASK
from services.registry import graph
from services.registry.models import Service
from tests.commands import manage
from tests.services.catalog.answers import seen
from tests.services.registry.changing import secrets_of
from tests.services.specimens import DOOR, PACE, WORD, definition

pytestmark = pytest.mark.django_db
ADD = ("add", "shop", "--type", "Shop", "--probe", "door", "--set", "host=shop")


@pytest.fixture
def run():
    return partial(manage, "service")


@pytest.fixture
def stdin(monkeypatch):
    """Let a command read this from stdin, where nobody is."""

    def feed(text: str) -> None:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))

    return feed


class TestList:
    def test_it_has_all_of_them_and_why_one_is_not_well(self, run, create):
        seen(create("up"))
        seen(create("down"), health="unhealthy", status="failed", reason="[refused]")
        ran = run("list")
        assert ran.code == 0
        assert "[refused]" in ran.out
        assert [each["name"] for each in json.loads(run("list", "--json").out)] == ["down", "up"]

    @pytest.mark.parametrize(
        ("option", "value"),
        [
            ("--health", "degraded"), ("--status", "starting"), ("--type", "Till"),
            ("--tag", "eu"), ("--node", "a"), ("--owner", "ada"),
        ],
    )  # fmt: skip
    def test_it_filters(self, run, create, option, value):
        service = create("wanted", type="Till", tags=["eu"], node="a", owner="ada")
        seen(service, health="degraded", status="starting")
        create("other")
        [found] = json.loads(run("list", option, value, "--json").out)
        assert found["name"] == "wanted"

    @pytest.mark.parametrize("option", ["--health", "--status"])
    def test_a_filter_that_is_none_is_2(self, run, option):
        assert run("list", option, "fine").code == 2


class TestShow:
    def test_it_tells_all_that_is_known(self, run, create):
        seen(create(probe={**DOOR, "password": WORD}, description="[bold]Sells[/]"))
        ran = run("show", "shop")
        assert "[bold]Sells[/]" in ran.out
        assert MASK in ran.out
        assert WORD not in ran.out
        assert json.loads(run("show", "shop", "--json").out)["name"] == "shop"

    def test_one_there_is_not_is_4(self, run):
        ran = run("show", "nobody")
        assert (ran.code, ran.out) == (4, "")


class TestAdd:
    def test_from_options(self, run, create):
        create("database")
        ran = run(
            *ADD, "--set", "port=81", "--set", "password=12345", "--set", "interval=10",
            "--controller", "door", "--control", f"token={WORD}", "--control", "force=true",
            "--needs", "database", "--tag", "a", "--tag", "b", "--owner", "ada", "--node", "x",
            "--description", "Sells", "--criticality", "low",
        )  # fmt: skip
        assert (ran.code, ran.err) == (0, "")
        service = Service.objects.get(name="shop")
        assert service.probe == {**DOOR, **PACE, "port": 81, "interval": 10, "password": MASK}
        assert service.controller == {"type": "door", "token": MASK, "force": True}
        assert secrets_of(service) == {"probe.password": "12345", "controller.token": WORD}
        assert (service.tags, service.owner, service.node) == (["a", "b"], "ada", "x")
        assert (service.description, service.criticality) == ("Sells", "low")
        assert graph.load() == {"shop": {"database"}}
        assert service.changed_by.startswith("command:")

    @pytest.mark.parametrize("text", [json.dumps(definition()), "name: shop\ntype: Shop\nprobe:\n"
                                      "  {type: door, host: shop}"])  # fmt: skip
    def test_from_a_file_or_stdin(self, run, tmp_path, stdin, text):
        file = tmp_path / "shop"
        file.write_text(text)
        assert run("add", "--file", file).code == 0
        Service.objects.all().delete()
        stdin(text)
        assert json.loads(run("add", "-f", "-", "--json").out)["name"] == "shop"

    @pytest.mark.parametrize(
        "arguments",
        [
            ("add",),
            ("add", "shop"),
            ("add", "shop", "--type", "Shop"),
            (*ADD, "--set", "port"),
            (*ADD, "--set", "host=other"),
            (*ADD, "--set", "=5"),
            (*ADD, "--set", "port=x"),
            (*ADD, "--set", "lock=1"),
            (*ADD, "--control", "token=x"),
            (*ADD, "--controller", "window"),
            (*ADD, "--needs", "nobody"),
            (*ADD, "--criticality", "high"),
            ("add", "shop", "--type", "Shop", "--probe", "window"),
            ("add", "shop", "--file", "/nonexistent"),
            ("add", "--file", "/nonexistent"),
            ("add", "--file", "/"),
        ],
    )
    def test_what_makes_no_sense_is_2(self, run, arguments):
        ran = run(*arguments)
        assert (ran.code, ran.out) == (2, "")
        assert ran.err
        assert not Service.objects.exists()

    def test_a_name_that_is_taken_is_5(self, run, create):
        create()
        assert run(*ADD).code == 5


class TestRemove:
    def test_it_is_forgotten(self, run, create):
        create()
        assert run("remove", "shop", "--yes").code == 0
        assert not Service.objects.exists()
        assert run("remove", "shop", "--yes").code == 4

    def test_not_without_anybody_who_agrees(self, run, create, stdin):
        create()
        stdin("y\n")
        ran = run("remove", "shop")
        assert (ran.code, ran.out) == (2, "")
        assert "--yes" in ran.err
        assert Service.objects.exists()

    def test_what_others_need_is_5_and_names_them(self, run, create):
        create()
        create("site", dependencies=["shop"])
        ran = run("remove", "shop", "-y", "--json")
        assert (ran.code, ran.out) == (5, "")
        assert "site" in ran.err


class TestGraph:
    @pytest.fixture(autouse=True)
    def diamond(self, create):
        create("d")
        create("e")
        create("b", dependencies=["d"])
        create("c", dependencies=["b"])
        create("a", dependencies=["b", "c"])

    def test_it_grows_from_what_nothing_needs(self, run):
        assert [line.rstrip() for line in run("graph").out.splitlines()] == [
            "a unknown",
            "├── b unknown",
            "│   └── d unknown",
            "└── c unknown",
            "    └── b unknown …",
            "e unknown",
        ]

    def test_or_from_one(self, run):
        assert run("graph", "c").out.split() == [
            "c", "unknown", "└──", "b", "unknown", "└──", "d", "unknown"
        ]  # fmt: skip
        assert run("graph", "nobody").code == 4

    def test_as_a_document(self, run):
        assert len(json.loads(run("graph", "--json").out)["edges"]) == 4
