"""What this machine and its processes are called, and which of them live."""

import hashlib
import os
import socket
from functools import cache
from pathlib import Path

DEAD_STATES = "ZXxT"
"""Zombie, dead, and stopped: a stopped process keeps no promise either."""


@cache
def machine_id() -> str:
    """Name the set of processes that can see each other: one boot, one namespace."""
    marks = [socket.gethostname()]
    boot, names = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")
    if boot.exists() and names.exists():
        marks += [boot.read_text().strip(), str(names.stat().st_ino)]
    return hashlib.sha256(":".join(marks).encode()).hexdigest()[:32]


def birth_mark(pid: int) -> str:
    """Return what tells a process from a later one of the same id."""
    fields = _stat(pid)
    return fields[19] if fields else ""


def lives(pid: int, born: str) -> bool:
    """Tell whether that very process still runs on this machine."""
    if not Path("/proc/self/stat").exists():
        return _answers(pid)
    fields = _stat(pid)
    return bool(fields) and fields[0] not in DEAD_STATES and fields[19] == born


def _stat(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat from the state on (see proc(5))."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return []
    return text.rpartition(")")[2].split()


def _answers(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
