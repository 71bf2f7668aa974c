"""Only a plugin whose files are those of its manifest, and safe, is loaded."""

from __future__ import annotations

import os

import pytest

from core.api.envelope import dumps
from plugins import files, queries, sealing
from plugins.catalogue import catalogue
from plugins.manifest import InvalidManifest
from plugins.plugin import State
from tests.plugins.making import failed, only, write


def change(folder):
    (folder / "plugin.py").write_text("raise RuntimeError('was run')")


def add(folder):
    (folder / "more.py").write_text("")


def remove(folder):
    (folder / "data.txt").unlink()


def link_out(folder):
    (folder / "hosts").symlink_to("/etc/hosts")


def link_folder(folder):
    (folder / "etc").symlink_to("/etc")


def pipe(folder):
    os.mkfifo(folder / "pipe")


def pipe_as_manifest(folder):
    (folder / "plugin.toml").unlink()
    os.mkfifo(folder / "plugin.toml")


def open_file(folder):
    (folder / "plugin.py").chmod(0o666)


def open_folder(folder):
    folder.chmod(0o777)


def nest(folder):
    (folder / "/".join("a" * 30)).mkdir(parents=True)


def grow(folder):
    with (folder / "data.txt").open("wb") as file:
        file.truncate(files.MAX_BYTES + 1)


def name_badly(folder):
    with open(os.fsencode(folder) + b"/\xff.txt", "wb"):
        pass


@pytest.mark.parametrize(
    ("tamper", "because"),
    [
        (change, "plugin.py has changed"),
        (add, "more.py is not in the manifest"),
        (remove, "data.txt is missing"),
        (link_out, "'hosts' is a symbolic link"),
        (link_folder, "'etc' is a symbolic link"),
        (pipe, "'pipe' is neither a file nor a folder"),
        (pipe_as_manifest, "plugin.toml is not a plain file"),
        (open_file, "'plugin.py' may be written by every user"),
        (open_folder, "'sample' may be written by every user"),
        (nest, "nested more than"),
        (grow, "larger than 64 MiB"),
        (name_badly, "is not UTF-8"),
    ],
)
def test_one_that_was_tampered_with_is_failed_and_not_run(directory, load, tamper, because):
    folder = write(directory, files={"data.txt": "kept"})
    assert only(load()).state == State.ACTIVE
    tamper(folder)
    plugin = failed(load(), because=because)
    assert plugin.registered == []


def test_a_plugin_that_was_never_sealed_is_failed(directory, load):
    write(directory, seal=False)
    failed(load(), because="plugin.py is not in the manifest")


def test_a_directory_that_anybody_may_write_gives_no_plugin(directory, load):
    write(directory)
    directory.chmod(0o777)
    failed(load(), because="the plugin directory is not safe")


def test_a_folder_that_is_a_link_out_of_the_directory_is_failed(directory, load, tmp_path):
    outside = write(tmp_path / "outside")
    (directory / "sample").symlink_to(outside)
    failed(load(), because="leads out of the plugin directory")


def test_a_folder_whose_name_is_no_text_can_be_told(directory, load):
    folder = write(directory)
    os.rename(os.fsencode(folder), os.fsencode(directory) + b"/\xff")
    assert only(load()).state == State.FAILED
    assert dumps(queries.get_plugin(plugin_id=only(load()).id))


def test_too_many_files_are_not_hashed_for_ever(directory, monkeypatch):
    monkeypatch.setattr(files, "MAX_FILES", 3)
    with pytest.raises(files.Unsafe, match="more than 3 files"):
        write(directory, files={f"{number}.txt": "" for number in range(4)})


def test_sealing_again_names_the_files_as_they_are_and_keeps_the_rest(directory, load):
    folder = write(directory, more="# a comment that stays\n")
    change(folder)
    (folder / "plugin.py").write_text("# other\n")
    sealed = sealing.seal(folder)
    text = (folder / "plugin.toml").read_text()
    assert "# a comment that stays" in text
    assert text.count("[files]") == 1
    assert sealed.files == files.hashes(folder)
    assert only(load()).state == State.ACTIVE


def test_files_that_are_not_the_last_table_are_not_sealed(directory):
    folder = write(directory)
    path = folder / "plugin.toml"
    before = path.read_text() + '\n[dependencies]\nother = ">=1"\n'
    path.write_text(before)
    with pytest.raises(InvalidManifest, match="last table"):
        sealing.seal(folder)
    assert path.read_text() == before
    assert sorted(each.name for each in folder.iterdir()) == ["plugin.py", "plugin.toml"]


def test_a_link_to_itself_is_failed_and_keeps_no_process_from_starting(directory, load):
    write(directory)
    (directory / "circle").symlink_to("circle")
    states = {each.id: each.state for each in load().all()}
    assert states == {"sample": State.ACTIVE, "circle": State.FAILED}
    assert "can't be read" in (catalogue.get("circle").reason or "")
