"""`python -m nexus.stack up|down`, which is what the Makefile runs."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

from nexus.env import BASE_DIR, EnvironmentProblems
from nexus.stack import console
from nexus.stack.down import down
from nexus.stack.errors import StackError
from nexus.stack.folder import DataFolder
from nexus.stack.up import Stack


def main(arguments: list[str]) -> int:
    """The exit code: 0 when it did what was asked, 1 with a sentence otherwise."""
    folder = DataFolder(Path(os.environ.get("NEXUS_DATA_DIR") or BASE_DIR / "var").absolute())
    try:
        if arguments == ["up"]:
            Stack(folder, os.environ).run()
        elif arguments == ["down"]:
            down(folder)
        else:
            console.complain("Usage: python -m nexus.stack up|down")
            return 2
    except (StackError, EnvironmentProblems) as error:
        console.complain(str(error))
        return 1
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM):
            raise
        console.complain(
            f"{error.filename or folder.path}: {error.strerror}. Make it writable and leave some "
            "room there, or choose another place with NEXUS_DATA_DIR."
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
