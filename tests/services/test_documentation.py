"""docs/services.md says what is so."""

from __future__ import annotations

import re

import pytest
import yaml

from core import options
from core.health import parts
from services.controllers import base as controllers
from services.probes import base as probes
from services.registry import definitions
from services.registry.definitions import OF_THE_INSTANCE, Definition
from tests.plugins.making import ROOT

TEXT = (ROOT / "docs" / "services.md").read_text()
EXAMPLES = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", TEXT, re.S)]


def rows_of(heading: str) -> dict[str, str]:
    """Each row of the tables of a section by its first cell."""
    section = re.split(r"^## ", TEXT.partition(f"\n## {heading}\n")[2], flags=re.M)[0]
    return dict(re.findall(r"^\| `([a-z0-9_.]+)` \|(.*)$", section, re.M))


def test_the_definitions_it_shows_are_valid():
    [shop, database] = EXAMPLES[0]["services"]
    assert set(Definition.model_fields) == shop.keys()
    for each in (shop, database):
        definitions.check(each)


def test_the_probe_it_shows_is_valid():
    [given] = [each["probe"] for each in EXAMPLES if "probe" in each]
    definitions.check({"name": "fleet", "type": "Workers", "probe": given})


@pytest.mark.parametrize(
    ("heading", "registry"),
    [("Probes", probes.registry), ("Controllers", controllers.registry)],
)
def test_every_type_is_listed_with_the_fields_that_it_requires(heading, registry):
    rows = rows_of(heading)
    assert rows.keys() == set(registry.names()) - {OF_THE_INSTANCE}
    for name, row in rows.items():
        fields = registry.get(name).Configuration.model_fields
        wanted = {field for field, each in fields.items() if each.is_required()}
        if "as the probe" not in row:
            assert set(re.findall(r"\*\*`([a-z_]+)`\*\*", row)) == wanted


def test_every_part_of_the_instance_is_listed_with_what_it_needs():
    rows = rows_of("The instance's own parts")
    assert rows.keys() == set(parts.registry.names())
    for part in parts.registry:
        assert set(re.findall(r"`([a-z_]+)`", rows[part.name].partition("|")[0])) == set(
            part.dependencies
        )


def test_every_option_is_listed():
    declared = {each.key for each in options.registry if each.key.startswith("services.")}
    assert all(f"`{key}`" in TEXT for key in declared)
