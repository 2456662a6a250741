"""What this machine and its processes are called, and which of them live."""

import hashlib
import os
import socket
from enum import Enum, auto
from functools import cache
from pathlib import Path

DEAD_STATES = "ZXx"
STOPPED_STATES = "Tt"
"""See proc(5)."""


class Condition(Enum):
    """What can be seen of a process; nobody vouches for a stopped one."""

    LIVING = auto()
    STOPPED = auto()
    DEAD = auto()


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


def resident(pid: int) -> int | None:
    """Return the bytes of memory that a process holds, where that can be seen."""
    fields = _stat(pid)
    return int(fields[21]) * os.sysconf("SC_PAGE_SIZE") if fields else None


def condition(pid: int, born: str) -> Condition:
    """Tell whether that very process runs, is stopped, or is dead."""
    if not Path("/proc/self/stat").exists():
        return Condition.LIVING if _answers(pid) else Condition.DEAD
    fields = _stat(pid)
    if not fields or fields[0] in DEAD_STATES or fields[19] != born:
        return Condition.DEAD
    return Condition.STOPPED if fields[0] in STOPPED_STATES else Condition.LIVING


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
