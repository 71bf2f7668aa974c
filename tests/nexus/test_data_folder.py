"""The data folder before anything runs: secrets made once, ports kept, damage named."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from nexus.stack import cluster, folder, kept
from nexus.stack.errors import StackError
from nexus.stack.folder import DataFolder


@pytest.fixture
def data(tmp_path: Path) -> DataFolder:
    made = DataFolder(tmp_path / "var")
    made.make()
    return made


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        made.listen()
        yield made


def test_secrets_and_ports_are_made_once(data: DataFolder) -> None:
    first = kept.load_or_make(data, {})
    again = kept.load_or_make(data, {})

    assert first.values == again.values
    assert first.embedded == {"DATABASE_URL", "CACHE_URL", "BROKER_URL"}
    assert data.env.stat().st_mode & 0o777 == 0o600


def test_a_port_that_is_taken_by_now_is_changed_and_said(
    data: DataFolder, listener: socket.socket
) -> None:
    first = kept.load_or_make(data, {})
    port = listener.getsockname()[1]
    moved = data.env.read_text().replace(str(first.port("CACHE_URL")), str(port))
    data.env.write_text(moved)

    again = kept.load_or_make(data, {})

    assert again.port("CACHE_URL") != port
    assert again.port("DATABASE_URL") == first.port("DATABASE_URL")
    assert any(str(port) in text for text in again.notices)


def test_a_server_of_the_operator_is_neither_started_nor_written_down(data: DataFolder) -> None:
    theirs = "postgresql://me:secret@db.example.com/nexus"

    found = kept.load_or_make(data, {"DATABASE_URL": theirs})

    assert found.embedded == {"CACHE_URL", "BROKER_URL"}
    assert "db.example.com" not in data.env.read_text()


def test_an_address_the_operator_wrote_into_the_file_stays(data: DataFolder) -> None:
    data.env.write_text("CACHE_URL=redis://cache.example.com/3\n")

    found = kept.load_or_make(data, {})

    assert urlsplit(found.values["CACHE_URL"]).hostname == "cache.example.com"
    assert "CACHE_URL" not in found.embedded


def test_a_damaged_file_of_secrets_is_a_sentence(data: DataFolder) -> None:
    data.env.write_bytes(b"\xff\xfe\x00broken")

    with pytest.raises(StackError, match="is damaged"):
        kept.load_or_make(data, {})


def test_a_data_folder_that_is_a_file_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("")

    with pytest.raises(StackError, match="choose another with NEXUS_DATA_DIR"):
        DataFolder(tmp_path / "var").make()


def test_a_full_disk_is_a_sentence(data: DataFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "NEEDED_BYTES", 2**62)

    with pytest.raises(StackError, match="MiB are free"):
        data.make()


def test_one_holder_at_a_time(data: DataFolder) -> None:
    with folder.lock(data), pytest.raises(StackError, match=f"process {os.getpid()}"):
        folder.lock(data)

    assert folder.lock_holder(data) is None


def test_a_socket_below_a_long_path_moves_to_a_short_one(tmp_path: Path) -> None:
    deep = DataFolder(tmp_path / ("x" * 120) / "var")
    deep.make()

    assert len(os.fsencode(deep.socket)) < folder.SOCKET_PATH_LIMIT
    assert deep.socket.parent.stat().st_mode & 0o777 == 0o700


def test_a_half_deleted_cluster_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "postgres/base").mkdir(parents=True)

    with pytest.raises(StackError, match="PG_VERSION is missing"):
        cluster.make_ready(tmp_path / "postgres", password="p", renewed=False)

    assert (tmp_path / "postgres/base").is_dir()


def test_a_cluster_of_another_version_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "PG_VERSION").write_text("13\n")

    with pytest.raises(StackError, match="made by PostgreSQL 13"):
        cluster.make_ready(tmp_path, password="p", renewed=False)


def test_an_interrupted_initdb_is_done_again(tmp_path: Path) -> None:
    (tmp_path / "postgres.new/base").mkdir(parents=True)

    cluster.make_ready(tmp_path / "postgres", password="p", renewed=False)

    assert (tmp_path / "postgres/PG_VERSION").exists()
    assert not (tmp_path / "postgres.new").exists()


def test_a_cluster_in_a_private_folder_works_and_opens_no_folder(tmp_path: Path) -> None:
    """As root, PostgreSQL runs as a user who can't enter this folder; otherwise as ourselves."""
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    before = {each: each.stat().st_mode for each in (private, *private.parents)}

    cluster.make_ready(private / "postgres", password="p", renewed=False)

    assert {each: each.stat().st_mode for each in before} == before
    owner = (private / "postgres").stat().st_uid
    assert (owner != 0) if os.geteuid() == 0 else (owner == os.geteuid())
