"""From a bare Python to `.venv`: what is installed when, and what is said when it can't be."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from nexus.env import BASE_DIR
from nexus.stack import bootstrap

SCRIPT = BASE_DIR / "nexus/stack/bootstrap.py"


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone with its own requirements and no `.venv`; installing only leaves a note."""
    for name in ("requirements.txt", "requirements-dev.txt"):
        (tmp_path / name).write_text(f"# {name}\n")
    venv = tmp_path / ".venv"
    monkeypatch.setattr(bootstrap, "ROOT", str(tmp_path))
    monkeypatch.setattr(bootstrap, "VENV", str(venv))
    monkeypatch.setattr(bootstrap, "PYTHON", str(venv / "bin/python"))
    monkeypatch.setattr(bootstrap, "STAMP", str(venv / "nexus-installed.json"))
    monkeypatch.setattr(
        bootstrap, "installer", lambda uv: [sys.executable, "-c", NOTE, str(tmp_path / "note")]
    )
    monkeypatch.setattr(bootstrap.shutil, "which", lambda name: None)
    return tmp_path


NOTE = "import sys; open(sys.argv[1], 'a').write(sys.argv[-1] + '\\n')"


def installed(clone: Path) -> list[str]:
    note = clone / "note"
    return [Path(line).name for line in note.read_text().split()] if note.exists() else []


def test_an_old_python_can_at_least_parse_it() -> None:
    ast.parse(SCRIPT.read_text(), feature_version=(3, 6))


def test_a_python_that_is_too_old_is_told_so_in_a_sentence(
    clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap, "version", lambda python: (3, 6))

    with pytest.raises(bootstrap.Problem, match=r"Nexus needs Python 3\.11 or newer"):
        bootstrap.install("requirements.txt")


def test_a_newer_python_on_the_path_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    newer = "/usr/bin/python3.12"
    monkeypatch.setattr(bootstrap.shutil, "which", lambda name: newer if "3.12" in name else None)
    monkeypatch.setattr(bootstrap, "version", lambda python: (3, 12) if python == newer else (3, 8))

    assert bootstrap.new_enough_python() == newer


@pytest.fixture
def quick_venv(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A `.venv` that costs nothing to make."""

    def make(uv: str | None) -> None:
        python = clone / ".venv/bin/python"
        python.parent.mkdir(parents=True, exist_ok=True)
        python.unlink(missing_ok=True)
        python.symlink_to(sys.executable)

    monkeypatch.setattr(bootstrap, "make_venv", make)


@pytest.mark.usefixtures("quick_venv")
def test_it_installs_once_and_again_only_when_the_lock_changes(clone: Path) -> None:
    bootstrap.install("requirements.txt")
    bootstrap.install("requirements.txt")
    (clone / "requirements.txt").write_text("# changed\n")
    bootstrap.install("requirements.txt")

    assert installed(clone) == ["requirements.txt"] * 2


@pytest.mark.usefixtures("quick_venv")
def test_the_development_lock_includes_the_other(clone: Path) -> None:
    bootstrap.install("requirements-dev.txt")
    bootstrap.install("requirements.txt")

    assert installed(clone) == ["requirements-dev.txt"]


@pytest.mark.usefixtures("quick_venv")
def test_an_interrupted_installation_is_taken_up_again(
    clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(bootstrap, "installer", lambda uv: [sys.executable, "-c", "1/0"])
        with pytest.raises(bootstrap.Problem, match="could not be installed"):
            bootstrap.install("requirements.txt")

    bootstrap.install("requirements.txt")

    assert installed(clone) == ["requirements.txt"]


def test_a_half_made_venv_is_made_again(clone: Path) -> None:
    (clone / ".venv/bin").mkdir(parents=True)
    (clone / ".venv/bin/python").symlink_to("/nowhere/python3")
    (clone / ".venv/nexus-installed.json").write_text(
        json.dumps(bootstrap.digests("requirements.txt"))
    )

    bootstrap.install("requirements.txt")

    assert bootstrap.works(str(clone / ".venv/bin/python"))
    assert installed(clone) == ["requirements.txt"]


def test_a_python_without_ensurepip_is_told_what_to_install(
    clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap, "runs", lambda command: False)

    with pytest.raises(bootstrap.Problem, match=r"apt install python3\.\d+-venv"):
        bootstrap.install("requirements.txt")


def test_a_full_disk_is_told_before_anything_is_made(
    clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap, "NEEDED_BYTES", 2**62)

    with pytest.raises(bootstrap.Problem, match=r"MiB are free"):
        bootstrap.install("requirements.txt")

    assert not (clone / ".venv").exists()


def test_down_without_an_installation_installs_nothing(tmp_path: Path) -> None:
    script = tmp_path / "nexus/stack/bootstrap.py"
    script.parent.mkdir(parents=True)
    script.write_bytes(SCRIPT.read_bytes())

    done = subprocess.run(
        [sys.executable, str(script), "down"], capture_output=True, text=True, check=True
    )

    assert "Nothing runs" in done.stdout
    assert not (tmp_path / ".venv").exists()
