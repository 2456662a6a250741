"""Keep a family of processes alive, and end it in order."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Protocol

from config.env import BASE_DIR
from config.errors import GivenUp
from config.places import leashed

MOST_DEATHS = 5
DEATH_WINDOW = 60.0
PAUSE = 1.0
"""How much longer to wait before each further start."""
CHILD_SECONDS = 8.0
"""What a child may take to stop; with the servers' own times it stays below 15."""
GRACE_SECONDS = 4
"""What a running job has of them: its worker must hand it back before its own end."""

_stdout = threading.Lock()


class Member(Protocol):
    """What the supervisor needs of a process."""

    name: str

    def start(self) -> None:
        """Start it."""

    def poll(self) -> int | None:
        """Return its exit code, or None while it runs."""

    def ask(self) -> None:
        """Ask it to stop, without waiting."""

    def stop(self) -> None:
        """Return when it has stopped, by force if need be."""


class Child:
    """A process whose output is printed line by line under its name."""

    def __init__(
        self, name: str, command: list[str], environment: Mapping[str, str]
    ) -> None:
        self.name = name
        self.command = command
        self.environment = environment
        self.process: subprocess.Popen[str] | None = None
        self.deadline = 0.0

    def start(self) -> None:
        """Start it in a session of its own, so that Ctrl-C reaches it through us alone."""
        self._sweep()
        # SIGKILL: if we are killed, nobody would wait for a slow farewell.
        self.process = subprocess.Popen(  # noqa: S603
            leashed(self.command, signal.SIGKILL, mode="plain"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            cwd=BASE_DIR,
            env={**os.environ, **self.environment, "PYTHONUNBUFFERED": "1"},
            start_new_session=True,
        )
        threading.Thread(target=self._print, args=[self.process], daemon=True).start()

    def poll(self) -> int | None:
        """Return its exit code, or None while it runs."""
        return self.process.poll() if self.process else None

    def ask(self) -> None:
        """Send SIGTERM and let the time it has begin."""
        self.deadline = time.monotonic() + CHILD_SECONDS
        if self.process and self.process.poll() is None:
            self.process.terminate()

    def stop(self) -> None:
        """Wait out its time, then end what is left of its session."""
        if self.process:
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(max(0.0, self.deadline - time.monotonic()))
            self._sweep()

    def _sweep(self) -> None:
        if self.process:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def _print(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None  # noqa: S101  # it is a pipe
        with process.stdout:
            for line in process.stdout:
                say(line.rstrip(), name=self.name)


class Supervisor:
    """Start members in order, restart what dies, stop the last first."""

    def __init__(self) -> None:
        self.members: list[Member] = []
        self.deaths: dict[str, deque[float]] = {}
        self.due: dict[str, float] = {}

    def add(self, member: Member) -> None:
        """Start a member and answer for it from now on."""
        self.members.append(member)
        member.start()

    def check(self) -> None:
        """Start again whatever has ended; raise GivenUp at the sixth time in a minute."""
        for member in self.members:
            if (code := member.poll()) is not None:
                self._restart(member, code)

    def watch(self, until: Callable[[], bool] = lambda: False) -> None:
        """Check ten times a second until the condition holds."""
        while not until():
            self.check()
            time.sleep(0.1)

    def stop(self) -> None:
        """Stop the children together, then together the servers that they use."""
        children = [member for member in self.members if isinstance(member, Child)]
        servers = [member for member in self.members if member not in children]
        for group in (children, servers):
            for member in group:
                member.ask()
            for member in group:
                member.stop()
        self.members.clear()

    def _restart(self, member: Member, code: int) -> None:
        now = time.monotonic()
        if member.name not in self.due:
            self.due[member.name] = now + self._pause(member.name, now)
            say(f"{member.name} ended with {_ending(code)}; starting it again")
        if now >= self.due[member.name]:
            del self.due[member.name]
            member.start()

    def _pause(self, name: str, now: float) -> float:
        """Return how long to wait: not at first, then longer, for what it needs to return."""
        deaths = self.deaths.setdefault(name, deque())
        deaths.append(now)
        while deaths[0] < now - DEATH_WINDOW:
            deaths.popleft()
        if len(deaths) > MOST_DEATHS:
            raise GivenUp(
                f"{name} ended {len(deaths)} times within a minute: giving up"
            )
        return PAUSE * (len(deaths) - 1)


def say(line: str, *, name: str = "up") -> None:
    """Print a whole line under a name; a closed terminal is no reason to fail."""
    show(f"{name:<6} | {line}")


def show(line: str) -> None:
    """Print a whole line."""
    with _stdout, suppress(OSError, ValueError):
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


def _ending(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
