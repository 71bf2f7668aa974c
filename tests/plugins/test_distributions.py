"""Plugins of installed distributions, found by their entry points."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from core.health import checks
from plugins.plugin import State
from tests.plugins.making import failed, only, write


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Put a distribution with the entry point `point` beside the installed ones."""
    site = tmp_path / "site-packages"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))

    def make(point: str) -> Path:
        metadata = site / "nexus_sample-1.2.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(
            "Metadata-Version: 2.1\nName: nexus-sample\nVersion: 1.2\n"
        )
        (metadata / "entry_points.txt").write_text(f"[nexus.plugins]\n{point}\n")
        return site

    return make


def package(site: Path, name: str = "nexus_sample", **options) -> Path:
    """A package in `site` that is the plugin `sample` and must not be imported as itself."""
    folder = write(site.parent / "made", files={"__init__.py": GUARD}, **options)
    place = site.joinpath(*name.split("."))
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(folder, place)
    return place


GUARD = "assert __name__ == 'nexus_plugins.sample', __name__\n"


@pytest.mark.parametrize("name", ["nexus_sample", "nexus_sample.inner.plugin"])
def test_the_package_of_an_entry_point_is_loaded_like_a_folder(install, load, name):
    site = install(f"sample = {name}")
    folder = package(site, name)
    plugin = only(load())
    assert (plugin.state, plugin.reason) == (State.ACTIVE, None)
    assert (plugin.source, plugin.folder) == ("nexus-sample 1.2", folder)
    assert checks.registry.get("sample.works").measure() == {"answer": 42}
    assert not [each for each in sys.modules if each.startswith("nexus_sample")]


def test_its_files_are_verified_too(install, load):
    site = install("sample = nexus_sample")
    (package(site) / "plugin.py").write_text("raise RuntimeError('was run')")
    failed(load(), because="plugin.py has changed")


def test_the_entry_point_is_called_like_the_id(install, load):
    site = install("other = nexus_sample")
    package(site)
    assert failed(load(), because="its entry point must be called 'sample'").id == "other"


@pytest.mark.parametrize(
    "point", ["sample = nowhere_to_be_found", "sample = json", "sample = ..:x", "sample ="]
)
def test_one_whose_package_is_not_there_is_failed(install, load, point):
    install(point)
    failed(load(), because="its package is not there")


def test_two_plugins_with_one_id_are_both_failed(install, load, directory):
    site = install("sample = nexus_sample")
    place = package(site)
    folder = write(directory)
    loaded = load()
    plugin = failed(loaded, because="two plugins have this id")
    assert str(place) in plugin.reason
    assert str(folder) in plugin.reason
    assert "sample.works" not in checks.registry
    loaded.apply(set(), retry={"sample"})
    failed(loaded, because="two plugins have this id")
