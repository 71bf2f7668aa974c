"""Running a program of this machine: no shell, a deadline, and no more output than fits."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from core.text import storable
from services.clients.errors import NotAnswered, NotReached

MAX_BYTES = 64 * 1024
GRACE_SECONDS = 0.5  # from SIGTERM to SIGKILL
PAUSE_SECONDS = 0.05  # between checkpoints
CHUNK_BYTES = 64 * 1024  # what a pipe holds
# The instance's own environment holds its secrets.
PASSED_ON = ("HOME", "LANG", "LC_ALL", "LOGNAME", "PATH", "TMPDIR", "TZ", "USER")


@dataclass(frozen=True, slots=True)
class Finished:
    """`status` is negative for the signal that killed it."""

    status: int
    stdout: str
    stderr: str


def nothing() -> None:
    """Whoever has no reason to give up before the deadline."""


def run(
    argv: Sequence[str],
    *,
    deadline: float,
    checkpoint: Callable[[], None] = nothing,
    variables: Mapping[str, str] | None = None,
    newest: int = 0,
) -> Finished:
    """Run it to its end; what it leaves running in the background goes on.

    Past the deadline, in monotonic seconds, it is killed with all that it started, and likewise
    when `checkpoint` raises. The first 64 KiB of its output are kept, or the `newest` bytes.
    Raises NotReached when it can't be run, NotAnswered when it had to be killed.
    """
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    try:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd="/",
            env={**environment, **(variables or {})},
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise NotReached(f"{argv[0]} can't be run: {_told(error)}.") from error
    with process:
        try:
            stdout, stderr = _followed(process, argv[0], deadline, checkpoint, newest)
        except BaseException:
            _kill(process)
            raise
    return Finished(process.returncode, stdout.text, stderr.text)


def _told(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


class _Output:
    """What a program writes to one of its pipes."""

    def __init__(self, descriptor: int, newest: int) -> None:
        self.descriptor = descriptor
        self._newest = newest
        self._kept = bytearray()
        os.set_blocking(descriptor, False)

    @property
    def text(self) -> str:
        return storable(self._kept.decode(errors="replace"))

    def read(self) -> int:
        """How many bytes there were; 0 at the end, and raises BlockingIOError for none now."""
        piece = os.read(self.descriptor, CHUNK_BYTES)
        self._kept += piece
        if self._newest:
            del self._kept[: -self._newest]
        else:
            del self._kept[MAX_BYTES:]
        return len(piece)


def _followed(
    process: subprocess.Popen[bytes],
    name: str,
    deadline: float,
    checkpoint: Callable[[], None],
    newest: int,
) -> list[_Output]:
    """Read its output until it has ended. A pipe may stay open longer, in a daemon."""
    pipes = [each.fileno() for each in (process.stdout, process.stderr) if each is not None]
    outputs = [_Output(descriptor, newest) for descriptor in pipes]
    with selectors.DefaultSelector() as selector:
        for output in outputs:
            selector.register(output.descriptor, selectors.EVENT_READ, output)
        while process.poll() is None:
            checkpoint()
            left = deadline - time.monotonic()
            if left <= 0:
                raise NotAnswered(f"{name} did not end in time.")
            _read_some(process, selector, min(left, PAUSE_SECONDS))
    for output in outputs:
        with suppress(BlockingIOError):
            output.read()  # a pipe holds no more than that
    return outputs


def _read_some(
    process: subprocess.Popen[bytes], selector: selectors.BaseSelector, seconds: float
) -> None:
    if not selector.get_map():
        with suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
        return
    for key, _ in selector.select(seconds):
        if not key.data.read():
            selector.unregister(key.fd)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End its whole group. Its number stays its own as long as nobody has waited for it."""
    if process.returncode is not None:
        return
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    deadline = time.monotonic() + GRACE_SECONDS
    seen = os.WEXITED | os.WNOWAIT | os.WNOHANG
    while os.waitid(os.P_PID, process.pid, seen) is None and time.monotonic() < deadline:
        time.sleep(PAUSE_SECONDS / 10)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
