"""plugin.toml: every problem at once, each with its place."""

from __future__ import annotations

import pytest

from core import options
from plugins import manifest
from plugins.manifest import InvalidManifest
from plugins.schema import OptionSchema

LEAST = 'id = "sample"\nname = "Sample"\nversion = "1.0"\nnexus = ">=0.1"\n'


def places(text: str) -> dict[str, str]:
    with pytest.raises(InvalidManifest) as caught:
        manifest.parse(text)
    for detail in caught.value.details:
        assert detail.message in caught.value.message
    return {each.field: each.message for each in caught.value.details}


def test_the_least_there_must_be():
    found = manifest.parse(LEAST)
    assert (found.id, found.version, found.entry, found.permissions) == (
        "sample", "1.0", "plugin", []
    )  # fmt: skip


def test_all_problems_are_told_at_once():
    text = """
        id = "Not A Slug"
        name = 3
        version = "one"
        nexus = "later"
        permissions = ["checks", "everything"]
        entry = "a b"
        colour = "red"
        [dependencies]
        other = "~~1"
        [options.depth]
        type = "integer"
        default = 1
        help = "x"
        minimum = 5
        maximum = 1
        [files]
        "../../etc/passwd" = "00"
        """
    found = places(text)
    assert {
        "id", "name", "version", "nexus", "permissions.1", "entry", "colour",
        "dependencies.other", "options.depth",
    } <= found.keys()  # fmt: skip
    assert any(place.startswith("files.../../etc/passwd") for place in found)
    assert "checks" in found["permissions.1"]  # the known ones


@pytest.mark.parametrize(
    "text",
    [
        "",
        "id = ",
        "\0",
        "a = 1\na = 2",
        "id = [" * 3000,
        "x = {a=" * 3000,
        "[[files]]\n",
        '"\ud83d',
    ],
)
def test_what_is_no_manifest_is_refused_with_a_reason(tmp_path, text):
    (tmp_path / "plugin.toml").write_bytes(text.encode(errors="surrogatepass"))
    with pytest.raises(InvalidManifest, match=r"plugin\.toml"):
        manifest.read(tmp_path)


def test_a_manifest_that_is_too_large_is_not_read(tmp_path):
    (tmp_path / "plugin.toml").write_text(LEAST + "#" * manifest.MAX_BYTES)
    with pytest.raises(InvalidManifest, match="larger than 256 KiB"):
        manifest.read(tmp_path)


def test_a_plugin_can_not_need_itself():
    assert "dependencies" in places(LEAST + '[dependencies]\nsample = ">=1"\n')


@pytest.mark.parametrize(
    ("wanted", "version", "fits"),
    [
        (">=0.1,<1", "0.1.0", True),
        (">=0.1", "0.1.0.dev1", False),
        (">=0.1", "0.2.0rc1", True),
        ("==0.1.*", "0.1.7", True),
        ("~=0.2", "0.1.0", False),
        ("", "0.1.0", True),
    ],
)
def test_ranges_are_those_of_pep_440(wanted, version, fits):
    assert manifest.within(wanted, version) is fits


OPTION = '[options.it]\nhelp = "x"\n'


@pytest.mark.parametrize(
    ("declared", "fits", "wrong"),
    [
        ('type = "string"\ndefault = "a"\nminimum = 1\nmaximum = 3', "abc", ["", "abcd", 1]),
        ('type = "integer"\ndefault = 1\nminimum = 1\nmaximum = 3', 3, [0, 4, 1.5, "1", True]),
        ('type = "number"\ndefault = 1.5\nminimum = 1\nmaximum = 3', 2, [0.9, 3.1, "1"]),
        ('type = "boolean"\ndefault = true', False, [1, "true"]),
        ('type = "choice"\ndefault = "a"\nchoices = ["a", "b"]', "b", ["c", 1]),
        ('type = "strings"\ndefault = []\nmaximum = 2', ["a", "b"], [["a", "b", "c"], "a", [1]]),
    ],
)
def test_each_type_of_option_takes_what_fits_it(declared, fits, wrong):
    schema = manifest.parse(LEAST + OPTION + declared).options["it"]
    option = options.declare(
        "manifest_test.it", schema.annotation, default=schema.default, help=schema.help
    )
    try:
        assert option.problem(fits) is None
        assert [value for value in wrong if option.problem(value) is None] == []
    finally:
        options.remove("manifest_test.it")


@pytest.mark.parametrize(
    ("declared", "because"),
    [
        ('type = "choice"\ndefault = "a"', "choices belong"),
        ('type = "string"\ndefault = "a"\nchoices = ["a"]', "choices belong"),
        ('type = "boolean"\ndefault = true\nminimum = 1', "mean nothing"),
        ('type = "string"\ndefault = "a"\nminimum = -1', "whole numbers"),
        ('type = "strings"\ndefault = []\nmaximum = 1.5', "whole numbers"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused(declared, because):
    assert because in places(LEAST + OPTION + declared)["options.it"]


def test_a_list_of_every_type_is_what_the_schema_says():
    assert set(OptionSchema.model_json_schema()["properties"]["type"]["enum"]) == {
        "string", "integer", "number", "boolean", "choice", "strings"
    }  # fmt: skip
