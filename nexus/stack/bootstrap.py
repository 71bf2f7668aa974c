"""From a bare Python to a ready `.venv`, then on to `python -m nexus.stack`.

    python3 nexus/stack/bootstrap.py up|down|dev

Runs before anything is installed, on whatever `python3` is, so it needs nothing but the
standard library and keeps to what Python 3.6 can parse: a Python that is too old is told so
in a sentence, or replaced by a newer one found on the PATH.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys

OLDEST = (3, 11)
NEWEST_MINOR = 15
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
VENV = os.path.join(ROOT, ".venv")
PYTHON = os.path.join(VENV, "bin", "python")
STAMP = os.path.join(VENV, "nexus-installed.json")
NEEDED_BYTES = 700 * 1024 * 1024
VERSION_OF = "import sys; print(*sys.version_info[:2])"


class Problem(Exception):
    """What stands in the way, as a sentence that says what to do."""


def main(arguments):
    command = arguments[0] if arguments else "up"
    if command == "down" and not works(PYTHON):
        print("  Nothing runs: Nexus has not been installed here.")
        return
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # else every start compiles everything
    if command != "down":
        install("requirements-dev.txt" if command == "dev" else "requirements.txt")
    if command != "dev":
        os.chdir(ROOT)
        sys.stdout.flush()
        os.execv(PYTHON, [PYTHON, "-m", "nexus.stack", command])  # noqa: S606


def install(requirements):
    """Bring `.venv` to what `requirements` locks; does nothing when it is there already."""
    wanted = digests(requirements)
    if is_installed(wanted):
        return
    folder = os.open(ROOT, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)  # `make up` and `make test` at once
        if is_installed(wanted):
            return
        refuse_a_full_disk()
        uv = shutil.which("uv")
        make_venv(uv)
        print(f"  Installing {requirements} into .venv …", flush=True)
        run(installer(uv) + ["-r", os.path.join(ROOT, requirements)], NOT_INSTALLED)
        with open(STAMP + ".new", "w") as file:
            json.dump(wanted, file)
        os.rename(STAMP + ".new", STAMP)
    finally:
        os.close(folder)


NOT_INSTALLED = (
    "The packages could not be installed; the reason stands above. "
    "Nothing is lost: run the same command again once it is mended."
)


def digests(requirements):
    """The digest of each file that will be satisfied; the development one includes the other."""
    names = {requirements, "requirements.txt"}
    found = {}
    for name in names:
        with open(os.path.join(ROOT, name), "rb") as file:
            found[name] = hashlib.sha256(file.read()).hexdigest()
    return found


def is_installed(wanted):
    try:
        with open(STAMP) as file:
            found = json.load(file)
    except (OSError, ValueError):
        return False
    return all(found.get(name) == digest for name, digest in wanted.items()) and works(PYTHON)


def refuse_a_full_disk():
    free = shutil.disk_usage(ROOT).free
    if free < NEEDED_BYTES:
        raise Problem(
            f"Only {free // 2**20} MiB are free where {ROOT} lies; "
            f"installing needs {NEEDED_BYTES // 2**20} MiB."
        )


def works(python):
    return version(python) >= OLDEST


def version(python):
    try:
        answer = subprocess.check_output([python, "-c", VERSION_OF], stderr=subprocess.DEVNULL)
        return tuple(map(int, answer.split()))
    except (OSError, ValueError, subprocess.CalledProcessError):
        return (0, 0)


def new_enough_python():
    """This Python, or a newer one on the PATH."""
    names = [f"python3.{minor}" for minor in range(NEWEST_MINOR, OLDEST[1] - 1, -1)]
    for candidate in [sys.executable] + [shutil.which(name) for name in names]:
        if candidate and version(candidate) >= OLDEST:
            return candidate
    raise Problem(
        f"Nexus needs Python {OLDEST[0]}.{OLDEST[1]} or newer; {sys.executable} is "
        f"Python {sys.version_info[0]}.{sys.version_info[1]}, and there is no newer one on the "
        "PATH. Install one, or name it: make up PYTHON=/path/to/python3"
    )


def make_venv(uv):
    """Make `.venv`, or make it again when it is broken or half made."""
    if works(PYTHON) and (uv or runs([PYTHON, "-m", "pip", "--version"])):
        return
    python = new_enough_python()
    if os.path.islink(VENV):
        raise Problem(f"{VENV} is a link to a broken environment: remove it.")
    if os.path.exists(VENV):
        print("  .venv is not whole; making it again …", flush=True)
        shutil.rmtree(VENV)
    if uv:
        run([uv, "venv", "--quiet", "--python", python, VENV], "uv can't make .venv; see above.")
        return
    if not runs([python, "-c", "import venv, ensurepip"]):
        package = "python{}.{}-venv".format(*version(python))
        raise Problem(
            f"{python} can't make virtual environments: install what it lacks (on Debian and "
            f"Ubuntu `apt install {package}`), or install uv."
        )
    run([python, "-m", "venv", VENV], f"{python} can't make .venv; see above.")


def installer(uv):
    if uv:
        return [uv, "pip", "install", "--python", PYTHON, "--require-hashes", "--compile-bytecode"]
    return [PYTHON, "-m", "pip", "install", "--disable-pip-version-check", "--require-hashes"]


def runs(command):
    nothing = subprocess.DEVNULL
    return subprocess.call(command, stdout=nothing, stderr=nothing) == 0


def run(command, otherwise):
    if subprocess.call(command) != 0:
        raise Problem(otherwise)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Problem as problem:
        sys.exit(f"Nexus: {problem}")
    except OSError as error:
        sys.exit(f"Nexus: {error.filename or ROOT}: {error.strerror}.")
    except KeyboardInterrupt:
        sys.exit("  Interrupted; run it again to go on.")
