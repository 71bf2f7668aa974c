"""What `make up` says: steps with their time, sentences, the closing summary."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

BOLD, DIM, GREEN, YELLOW, RED, PLAIN = "1", "2", "32", "33", "31", "0"


def is_terminal() -> bool:
    return sys.stdout.isatty()


def coloured(text: str, code: str) -> str:
    return f"\x1b[{code}m{text}\x1b[{PLAIN}m" if is_terminal() else text


def say(text: str = "") -> None:
    """Print a line at once; a reader that went away is not our end."""
    try:
        print(text, flush=True)  # noqa: T201
    except BrokenPipeError:
        sys.stdout = open("/dev/null", "w")  # noqa: SIM115


def notice(text: str) -> None:
    say(f"  {coloured('!', YELLOW)} {text}")


def complain(text: str) -> None:
    print(f"{coloured('Nexus:', RED)} {text}", file=sys.stderr, flush=True)  # noqa: T201


@contextmanager
def step(name: str) -> Iterator[None]:
    """Show `name` while the block runs, and how long it took."""
    begun = time.monotonic()
    live = is_terminal()
    if live:
        sys.stdout.write(f"  · {name} …")
        sys.stdout.flush()
    try:
        yield
    except BaseException:
        if live:
            sys.stdout.write("\n")
        raise
    took = coloured(f"{time.monotonic() - begun:.1f} s", DIM)
    say(("\r\x1b[K" if live else "") + f"  {coloured('✓', GREEN)} {name} {took}")
