"""`make down`: stop what `make up` runs, from another terminal."""

from __future__ import annotations

import psutil

from nexus.stack import console, leftovers
from nexus.stack.folder import DataFolder, lock_holder


def down(folder: DataFolder) -> None:
    """Return when everything has ended. Says so when nothing runs."""
    holder = lock_holder(folder)
    if holder is not None:
        with console.step("stopped in order"):
            try:
                foreground = psutil.Process(holder)
                foreground.terminate()
                leftovers.wait_or_kill([foreground])
            except psutil.NoSuchProcess:
                pass
            leftovers.stop(folder)
    elif leftovers.stop(folder):
        console.say("  Stopped what a killed `make up` had left running.")
    else:
        console.say(f"  Nothing runs on {folder.path}.")
