"""A plugin is imported from the files it was sealed with, under its own name, in time."""

from __future__ import annotations

import os
import threading

import pytest

from core.api.envelope import dumps
from core.health import checks
from plugins import importing, queries
from plugins.plugin import Plugin, State
from tests.plugins.making import failed, only, write

UNPRINTABLE = """
    class Odd(Exception):
        def __str__(self):
            return 1 / 0
    raise Odd
"""


@pytest.mark.parametrize(
    ("code", "because"),
    [
        ("raise RuntimeError('no luck')", "RuntimeError: no luck"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("import sys; sys.exit('bye')", "SystemExit: bye"),
        ("def broken(:", "SyntaxError"),
        ("import no_such_library", "No module named 'no_such_library'"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        (UNPRINTABLE, "Odd: <exception str() failed>"),
        ("raise RuntimeError('half \\ud83d, NUL \\0')", "RuntimeError: half \ufffd, NUL \ufffd"),
        ("class Odd(BaseException): ...\nraise Odd('x')", "Odd: x"),
    ],
)
def test_one_that_raises_at_its_import_is_failed_with_its_traceback(directory, load, code, because):
    write(directory, "broken", code)
    write(directory, "fine")
    loaded = load()
    plugin = loaded.get("broken")
    assert plugin.state == State.FAILED
    assert because in plugin.reason
    assert "plugin.py" in plugin.traceback
    assert dumps(queries.get_plugin(plugin_id="broken"))
    assert loaded.get("fine").state == State.ACTIVE


def test_one_that_hangs_at_its_import_is_given_up_and_can_register_nothing_later(
    directory, load, monkeypatch
):
    monkeypatch.setattr(importing, "IMPORT_SECONDS", 0.2)
    monkeypatch.setattr(importing, "gate", threading.Event(), raising=False)
    monkeypatch.setattr(importing, "ended", threading.Event(), raising=False)
    write(directory, code=HANGS)
    failed(load(), because="did not end within 0.2 s")
    importing.gate.set()
    assert importing.ended.wait(10)
    assert "sample.late" not in checks.registry


HANGS = """
    from core.health import checks
    from plugins import importing

    gate, ended = importing.gate, importing.ended
    gate.wait(30)
    try:
        checks.register(component="{section}", name="late")(lambda: None)
    finally:
        ended.set()
"""


def test_modules_and_data_of_a_plugin_are_its_own(directory, load):
    code = """
        import pkgutil
        from core.health import checks
        from .inner.part import WORD

        TEXT = pkgutil.get_data(__package__, "data.txt").decode().strip()
        checks.register(component="{section}", name="works")(lambda: {{"word": WORD + TEXT}})
    """
    files = {"inner/part.py": "from . import other\nWORD = other.WORD\n",
             "inner/other.py": "WORD = 'he'\n", "data.txt": "llo"}  # fmt: skip
    write(directory, code=code, files=files)
    assert only(load()).state == State.ACTIVE, only(load()).traceback
    assert checks.registry.get("sample.works").measure() == {"word": "hello"}


def test_two_plugins_may_have_modules_of_the_same_name(directory, load):
    for name in ("first", "second"):
        write(directory, name, files={"part.py": f"WORD = {name!r}\n"}, code="""
            from core.health import checks
            from .part import WORD
            checks.register(component="{section}", name="works")(lambda: {{"word": WORD}})
        """)  # fmt: skip
    load()
    for name in ("first", "second"):
        assert checks.registry.get(f"{name}.works").measure() == {"word": name}


def test_bytecode_that_lies_around_is_not_used(directory, load):
    folder = write(directory)
    cached = folder / "__pycache__"
    cached.mkdir()
    (cached / f"plugin.{os.sys.implementation.cache_tag}.pyc").write_bytes(b"not what was sealed")
    assert only(load()).state == State.ACTIVE


def test_a_file_that_changes_after_the_look_at_it_is_not_run(directory, load, monkeypatch):
    folder = write(directory)
    check = Plugin._require_fitting

    def then_changes(self, found):
        check(self, found)
        (folder / "plugin.py").write_text("raise RuntimeError('was run')")

    monkeypatch.setattr(Plugin, "_require_fitting", then_changes)
    failed(load(), because="plugin.py is not the file that the manifest names")
