"""Become another program: enter a folder, give up root, die with the parent, exec.

Run by path, with nothing but the standard library, so that it costs milliseconds:

    python launch.py [--user NAME] [--folder PATH] [--signal NUMBER] [--nice N] -- PROGRAM ARGUMENT…

The folder is entered before root is given up, so that the program can work there through
/proc/self/cwd even when its user may not enter the folders above. On Linux the program gets
`--signal` when its parent dies, so nothing outlives a killed supervisor.
"""

import argparse
import ctypes
import os
import pwd
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--user")
    parser.add_argument("--folder")
    parser.add_argument("--signal", type=int)
    parser.add_argument("--nice", type=int, default=0)
    parser.add_argument("command", nargs="+")
    arguments = parser.parse_args()
    if arguments.folder:
        os.chdir(arguments.folder)
    if arguments.nice:
        os.nice(arguments.nice)
    if arguments.user:
        account = pwd.getpwnam(arguments.user)
        os.setgroups([])
        os.setgid(account.pw_gid)
        os.setuid(account.pw_uid)
        os.environ["HOME"] = "/"
    if arguments.signal and sys.platform == "linux":
        # After setuid, which clears it. It survives exec.
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, arguments.signal)
    os.execv(arguments.command[0], arguments.command)  # noqa: S606


if __name__ == "__main__":
    main()
