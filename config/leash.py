"""Tie a process to its parent, and drop root where a server refuses it.

Run as a script it becomes the command given, whose program is an absolute path:
`python leash.py SIGNAL MODE command…`. It needs nothing but the standard library and
starts in a few milliseconds.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
CLONE_NEWUSER = 0x10000000
NOBODY = 65534


def die_with_parent(number: int) -> None:
    """Ask the kernel for this signal when the parent ends; nothing happens off Linux."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, number)


def look_like_nobody() -> None:
    """Enter a user namespace in which root is seen as nobody, with nothing to chown."""
    user, group = os.getuid(), os.getgid()
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWUSER):
        raise OSError(ctypes.get_errno(), "user namespaces are not allowed")
    _write("/proc/self/setgroups", "deny")
    _write("/proc/self/uid_map", f"{NOBODY} {user} 1")
    _write("/proc/self/gid_map", f"{NOBODY} {group} 1")


def become_nobody() -> None:
    """Give root up for the user nobody, for good."""
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)


def _write(path: str, line: str) -> None:
    with open(path, "w") as file:  # noqa: PTH123  # pathlib would double the start
        file.write(line)


MODES = {"plain": lambda: None, "namespace": look_like_nobody, "nobody": become_nobody}


def main(number: str, mode: str, *command: str) -> None:
    """Become the command, as the mode says, tied to the process that started this."""
    parent = os.getppid()
    MODES[mode]()
    # After the change of user: that clears the request.
    die_with_parent(int(number))
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)
    os.execv(command[0], command)  # noqa: S606


if __name__ == "__main__":
    main(*sys.argv[1:])
