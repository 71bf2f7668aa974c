"""Plugins are loaded at the start of a process; whatever is wrong with one is its own problem."""

from __future__ import annotations

import pytest

from core import options
from core.health import checks
from nexus.version import VERSION
from plugins import sealing
from plugins.plugin import State
from tests.plugins.making import failed, only, write


def test_a_plugin_in_the_directory_is_active_and_its_check_registered(directory, load):
    write(directory)
    plugin = only(load())
    assert (plugin.state, plugin.reason, plugin.source) == (State.ACTIVE, None, "directory")
    assert checks.registry.get("sample.works").measure() == {"answer": 42}


def test_an_instance_without_plugins_has_none(directory, load):
    assert load().all() == []
    directory.rmdir()
    assert load().all() == []


def test_what_a_failed_one_had_registered_is_taken_out(directory, load):
    write(directory, code=CHECK_AND_RAISE, more=DEPTH)
    plugin = failed(load(), because="ZeroDivisionError")
    assert plugin.registered == []
    assert "sample.works" not in checks.registry
    assert "sample.depth" not in options.registry
    assert "sample" not in {each.name for each in options.sections()}


DEPTH = '[options.depth]\ntype = "integer"\ndefault = 1\nhelp = "x"\n'
CHECK_AND_RAISE = """
    from core.health import checks
    checks.register(component="{section}", name="works")(lambda: None)
    1 / 0
"""


@pytest.mark.parametrize("wanted", [">=9999", "<0.0.1", "==0.0.2"])
def test_one_for_another_version_of_nexus_is_failed(directory, load, wanted):
    write(directory, nexus=wanted)
    failed(load(), because=f"it is made for Nexus {wanted}, and this is {VERSION}")
    assert "sample.works" not in checks.registry


def test_the_section_of_its_options_must_be_free(directory, load):
    write(directory, "plugins", more='[options.a]\ntype = "boolean"\ndefault = true\nhelp = "x"\n')
    failed(load(), because="section 'plugins' of options already")


def test_one_with_a_broken_manifest_is_failed_under_the_name_of_its_folder(directory, load):
    folder = write(directory, "broken")
    (folder / "plugin.toml").write_text("id = ")
    plugin = failed(load(), because="is not TOML")
    assert (plugin.id, plugin.manifest) == ("broken", None)


def test_the_folder_is_called_like_the_id_so_a_copy_beside_it_does_no_harm(directory, load):
    folder = write(directory)
    copy = directory / "sample-backup"
    copy.mkdir()
    for each in folder.iterdir():
        (copy / each.name).write_bytes(each.read_bytes())
    loaded = load()
    assert loaded.get("sample").state == State.ACTIVE
    assert loaded.get("sample-backup").state == State.FAILED


@pytest.mark.option("plugins.auto_load")
def test_without_auto_load_none_is_imported(directory, load):
    write(directory, code="raise RuntimeError('imported')")
    with options.replaced({"plugins.auto_load": False, "plugins.plugin_directory": str(directory)}):
        plugin = only(load())
    assert (plugin.state, plugin.reason) == (State.DISABLED, "plugins.auto_load is off")


@pytest.mark.option("plugins.plugin_directory")
def test_a_relative_plugin_directory_is_below_the_data_folder(tmp_path, settings, load):
    settings.DATA_DIR = tmp_path
    write(tmp_path / "extra", "other")
    with options.replaced({"plugins.plugin_directory": "./extra"}):
        assert only(load()).id == "other"


@pytest.mark.parametrize("key", ["plugins.auto_load", "plugins.plugin_directory"])
def test_how_plugins_are_loaded_is_read_at_the_start_of_every_process(key):
    option = options.registry.get(key)
    assert set(option.restart) == {"web", "worker", "beat"}
    assert option.restart_reason


def test_a_failed_one_that_was_mended_is_loaded_when_it_is_tried_again(directory, load):
    folder = write(directory, code="raise RuntimeError('no luck')")
    loaded = load()
    failed(loaded, because="no luck")
    (folder / "plugin.py").write_text("")
    sealing.seal(folder)
    loaded.apply(set())
    failed(loaded, because="no luck")
    loaded.apply(set(), retry={"sample"})
    assert only(loaded).state == State.ACTIVE


def test_one_that_was_disabled_is_looked_at_anew_when_it_is_enabled(directory, load):
    folder = write(directory)
    loaded = load(disabled={"sample"})
    assert only(loaded).state == State.DISABLED
    (folder / "plugin.py").write_text("raise RuntimeError('tampered')")
    loaded.apply(set())
    failed(loaded, because="plugin.py has changed")


def test_a_listener_hears_of_what_changed_while_its_plugin_was_disabled(directory, load):
    code = """
        from core import options

        DEPTH = options.registry.get("{section}.depth")
        heard = []

        @options.on_change("{section}.depth")
        def listen():
            heard.append(DEPTH.value)
    """
    more = """
        [options.depth]
        type = "integer"
        default = 3
        help = "How deep."
    """
    write(directory, code=code, permissions=("options",), more=more)
    loaded = load()
    plugin = only(loaded)
    [listener] = [each.entry[1] for each in plugin.additions if each.kind == "listener"]
    heard = listener.__globals__["heard"]
    loaded.apply({"sample"})
    current = options.current()
    overrides = {**current.overrides, "sample.depth": 5}
    with options.replaced(overrides):
        assert heard == []
        loaded.apply(())
        assert heard[-1:] == [5]
