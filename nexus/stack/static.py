"""Static files with their hash in their name, gathered only when a source has changed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.contrib.staticfiles.storage import ManifestStaticFilesStorage
from django.core.management import call_command


class HashedStorage(ManifestStaticFilesStorage):
    """Plain names before the first gathering, as in tests; hashed ones after it.

    What a module imports is hashed too: browsers keep every static file for a year.
    """

    support_js_module_import_aggregation = True

    def stored_name(self, name: str) -> str:
        known = self.hashed_files.get(self.hash_key(self.clean_name(name)))
        return known or name


def collect() -> None:
    """Gather the static files, unless they are there already: hashing them takes seconds."""
    root = Path(settings.STATIC_ROOT)
    stamp, found = root / ".sources", _fingerprint()
    if not stamp.exists() or stamp.read_text() != found:
        root.mkdir(parents=True, exist_ok=True)
        call_command("collectstatic", interactive=False, verbosity=0)
        stamp.write_text(found)


def _fingerprint() -> str:
    digest = hashlib.sha256()
    for path in _sources():
        found = path.stat()
        digest.update(f"{path}\0{found.st_size}\0{found.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _sources() -> Iterator[Path]:
    for finder in get_finders():
        for name, storage in finder.list([]):
            yield Path(storage.path(name))
