"""Start real workers, beats, webs and commands for a test, and end them for certain."""

import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from django.conf import settings
from django.db import connection

from config.env import BASE_DIR
from config.places import leashed

PATIENCE = 60.0
"""Seconds for what takes one or two on a machine that does nothing else."""


class Process:
    """A process in a session of its own whose output goes to a file."""

    def __init__(self, command: list[str], **environment: str) -> None:
        with tempfile.NamedTemporaryFile("wb", suffix=".log", delete=False) as log:
            self.log = Path(log.name)
            self.popen = subprocess.Popen(
                leashed(command, signal.SIGKILL, mode="plain"),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                cwd=BASE_DIR, env=surroundings(**environment), start_new_session=True,
            )  # fmt: skip
        self.command = command

    @property
    def pid(self) -> int:
        """The pid of the process itself: what runs under it has others."""
        return self.popen.pid

    @property
    def output(self) -> str:
        """Everything written so far, stdout and stderr together."""
        return self.log.read_text(errors="replace")

    def wait_for(self, text: str, seconds: float = PATIENCE) -> None:
        """Return once the text was written; fail if the process ends before."""
        until(lambda: text in self.output or self.popen.poll() is not None, seconds)
        assert text in self.output, self.output

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process alone."""
        self.popen.send_signal(number)

    def wait(self, seconds: float = PATIENCE) -> int:
        """Return the exit code."""
        return self.popen.wait(seconds)

    def kill(self) -> None:
        """End the process and all of its session without notice, and reap it."""
        with suppress(ProcessLookupError):
            os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait(10)

    def children(self) -> list[int]:
        """Return the pids of the living direct children, oldest first (Linux)."""
        listed = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
        return [int(pid) for pid in listed.split()]


def lines_to(pid: int, port: int) -> int:
    """Count the open connections of a process to a port of this machine (Linux)."""
    held = set()
    with suppress(OSError):
        for each in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                held.add(str(each.readlink()))
        rows = Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]
        return sum(
            row[2].endswith(f":{port:04X}") and f"socket:[{row[9]}]" in held
            for row in map(str.split, rows)
        )
    return 0


@contextmanager
def running(command: list[str], **environment: str) -> Iterator[Process]:
    """Run a command against the test database until the block ends."""
    process = Process(command, **environment)
    try:
        yield process
    except BaseException:
        sys.stderr.write(f"--- {' '.join(command)}\n{process.output}\n")
        raise
    finally:
        process.kill()
        process.log.unlink()


@contextmanager
def worker(
    *options: str, queues: str = "default", **environment: str
) -> Iterator[Process]:
    """Run a Celery worker that is ready to hear the bell."""
    command = celery("worker", "-Q", queues, "--without-gossip", "--without-mingle")
    with running(
        [*command, *options], RITMO_PROCESS="worker", **environment
    ) as process:
        process.wait_for("ready.")
        yield process


@contextmanager
def beat(*options: str, **environment: str) -> Iterator[Process]:
    """Run a Celery beat."""
    command = [*celery("beat"), *options]
    with running(command, RITMO_PROCESS="beat", **environment) as process:
        process.wait_for("beat: Starting")
        yield process


@contextmanager
def web(port: int, **environment: str) -> Iterator[Process]:
    """Run gunicorn on a port of the loopback interface."""
    command = [
        sys.executable, "-m", "gunicorn", "-c", "python:config.gunicorn",
        "--bind", f"127.0.0.1:{port}", "config.wsgi",
    ]  # fmt: skip
    with running(command, RITMO_PROCESS="web", **environment) as process:
        process.wait_for("Booting worker")
        yield process


def celery(*arguments: str) -> list[str]:
    """Return the command line of `celery -A config …`."""
    return [sys.executable, "-m", "celery", "-A", "config", *arguments]


def manage(*arguments: str) -> list[str]:
    """Return the command line of `manage.py …`."""
    return [sys.executable, str(BASE_DIR / "manage.py"), *arguments]


def command(
    *arguments: str, seconds: float = PATIENCE, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a `manage.py` command against the test database to its end."""
    return subprocess.run(
        manage(*arguments), capture_output=True, text=True, check=False,
        cwd=BASE_DIR, env=surroundings(**environment), timeout=seconds,
    )  # fmt: skip


def surroundings(**changes: str) -> dict[str, str]:
    """Return an environment that points at the test database; empty values are left out."""
    values = {
        **os.environ,
        "DATABASE_URL": database_url(),
        "PYTHONUNBUFFERED": "1",
        **changes,
    }
    values["REDIS_URL"] = changes.get("REDIS_URL", settings.REDIS_URL)
    return {name: value for name, value in values.items() if value}


def database_url() -> str:
    """Return the address of the database that the tests use, not the one they started from."""
    at = connection.settings_dict
    login = f"{quote(at['USER'])}:{quote(at['PASSWORD'])}"
    return f"postgres://{login}@{at['HOST']}:{at['PORT']}/{at['NAME']}"


def until(
    fact: Callable[[], object], seconds: float = PATIENCE, *, every: float = 0.05
) -> None:
    """Return once the fact holds; fail after that many seconds."""
    deadline = time.monotonic() + seconds
    while not fact():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s")
        time.sleep(every)


def free_port() -> int:
    """Return a port that nobody uses, nor gets by chance as a client."""
    while True:
        port = random.randrange(20_000, 30_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
