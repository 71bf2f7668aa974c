"""docs/plugins.md says what is so."""

from __future__ import annotations

import re

from plugins import importing, manifest
from plugins.permissions import PERMISSIONS
from plugins.plugin import State
from tests.plugins.making import ROOT

TEXT = (ROOT / "docs" / "plugins.md").read_text()


def test_the_manifest_it_shows_is_one():
    [shown] = [block for block in re.findall(r"```toml\n(.*?)```", TEXT, re.S) if "id =" in block]
    found = manifest.parse(shown)
    assert set(manifest.Manifest.model_fields) == found.model_fields_set


def test_every_permission_and_state_is_explained():
    rows = set(re.findall(r"^\| `([a-z_]+)` \|", TEXT, re.M))
    assert set(PERMISSIONS) <= rows
    assert {each.value for each in State} <= rows


def test_its_limits_are_those_of_the_code():
    assert f"within {importing.IMPORT_SECONDS:g} s" in TEXT
