"""The data folder: what lies where, who may use it, and the lock of the one who runs it."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from nexus.stack.errors import StackError

NEEDED_BYTES = 300 * 1024 * 1024
SOCKET_PATH_LIMIT = 100  # of 104 (macOS) or 108 (Linux) bytes, less the suffix supervisord adds


@dataclass(frozen=True)
class DataFolder:
    """Everything that lives on between two starts is below `path`."""

    path: Path

    @property
    def env(self) -> Path:
        return self.path / "nexus.env"

    @property
    def logs(self) -> Path:
        return self.path / "log"

    @property
    def run(self) -> Path:
        return self.path / "run"

    @property
    def postgres(self) -> Path:
        return self.path / "postgres"

    @property
    def supervisor_configuration(self) -> Path:
        return self.run / "supervisord.conf"

    @property
    def socket(self) -> Path:
        """supervisord's socket; where the path would be too long for one, in a short place."""
        near = self.run / "supervisor.sock"
        if len(os.fsencode(near)) <= SOCKET_PATH_LIMIT - 20:
            return near
        name = hashlib.sha256(os.fsencode(self.path)).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"nexus-{os.geteuid()}-{name}" / near.name

    def clean(self) -> None:
        """Remove what lies outside of the folder, once nothing runs."""
        if self.socket.parent != self.run:
            shutil.rmtree(self.socket.parent, ignore_errors=True)

    def make(self) -> None:
        """Make the folders, for our own eyes only. Raises StackError with what to do."""
        try:
            for folder in (self.path, self.logs, self.run, self.socket.parent):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.path) as probe:
                probe.write(b"x")
        except OSError as error:
            raise StackError(
                f"The data folder {self.path} can't be used ({error.strerror}): make it writable "
                "for this user, or choose another with NEXUS_DATA_DIR."
            ) from error
        self._refuse_strangers()
        self._refuse_a_full_disk()

    def _refuse_strangers(self) -> None:
        found = self.socket.parent.lstat()
        if found.st_uid != os.geteuid() or not stat.S_ISDIR(found.st_mode):
            raise StackError(f"{self.socket.parent} belongs to another user: remove it.")
        self.socket.parent.chmod(0o700)

    def _refuse_a_full_disk(self) -> None:
        free = shutil.disk_usage(self.path).free
        if free < NEEDED_BYTES:
            raise StackError(
                f"Only {free // 2**20} MiB are free where {self.path} lies; Nexus needs "
                f"{NEEDED_BYTES // 2**20} MiB. Free some, or choose another place with "
                "NEXUS_DATA_DIR."
            )


def lock(folder: DataFolder) -> IO[str]:
    """Hold the folder until the returned file is closed or this process ends.

    Raises StackError naming the process that holds it.
    """
    path = folder.run / "up.lock"
    file = path.open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.seek(0)
        holder = file.read().strip()
        file.close()
        raise StackError(
            f"Nexus is running on {folder.path} already (process {holder or 'unknown'}): "
            "`make down` stops it."
        ) from error
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


def lock_holder(folder: DataFolder) -> int | None:
    """The process that runs the stack in the foreground, or None."""
    try:
        with (folder.run / "up.lock").open("r+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return int(file.read().strip() or 0) or None
    except (OSError, ValueError):
        pass
    return None


def write_private(path: Path, text: str) -> None:
    """Replace `path` by a file only its owner may read, in one step."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
