"""A real `manage.py up` on a directory and a port of its own."""

import http.client
import os
import signal
import subprocess
import sys
from pathlib import Path

from config.env import BASE_DIR
from tests.environment import ENVIRONMENT, LEFT_OUT
from tests.processes import free_port, until

PATIENCE = 240.0
"""Seconds for what takes twelve on a machine that does nothing else."""
UP = [sys.executable, str(BASE_DIR / "manage.py"), "up", "--no-demo"]


class House:
    """One `up`, that may be started again after its end."""

    process: subprocess.Popen[bytes]

    def __init__(self, directory: Path) -> None:
        self.directory = directory / "data"
        self.log = directory / "up.log"
        self.port = free_port()

    def start(self) -> None:
        """Start and wait for the ready line."""
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*UP, "--port", str(self.port), "--data-dir", str(self.directory)],
                stdout=log,
                stderr=log,
                env=bare(HTTP_REQUEST_ALLOW_PRIVATE="on"),
            )
        self.wait_for("Sign in")

    @property
    def lines(self) -> list[str]:
        """What it has printed."""
        return self.log.read_text(errors="replace").splitlines()

    def wait_for(self, text: str) -> None:
        """Return once a line holds the text; fail with the log if it ends before."""
        until(
            lambda: text in self.log.read_text() or self.process.poll() is not None,
            PATIENCE,
        )
        assert text in self.log.read_text(), self.log.read_text()

    def get(self, path: str) -> http.client.HTTPResponse:
        """Return the answer of the web."""
        web = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            web.request("GET", path)
            answer = web.getresponse()
            answer.read()
        finally:
            web.close()
        return answer

    def is_ready(self) -> bool:
        """Tell whether the web says so."""
        try:
            return self.get("/readyz").status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False

    def ask(self, code: str) -> str:
        """Return what a command in the same checkout prints, told the directory alone."""
        answer = subprocess.run(
            [UP[0], UP[1], "shell", "--no-imports", "-c", code],
            capture_output=True,
            text=True,
            check=False,
            env=bare(DATA_DIR=str(self.directory)),
        )
        return answer.stdout.strip() or answer.stderr.strip()

    def pid(self, mark: str) -> int:
        """Return the pid of the direct child with this on its command line, or 0."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        pids = map(int, children.read_text().split())
        return next((pid for pid in pids if mark in command_line(pid)), 0)

    def kill(self, mark: str) -> None:
        """End a direct child without notice."""
        pid = self.pid(mark)
        assert pid, mark
        os.kill(pid, signal.SIGKILL)

    def left(self) -> list[str]:
        """Return the command lines of what still runs for this directory or port."""
        marks = (str(self.directory), f":{self.port}")
        pids = (int(entry.name) for entry in Path("/proc").glob("[0-9]*"))
        lines = [command_line(pid) for pid in pids]
        return [line for line in lines if any(mark in line for mark in marks)]

    def end(self) -> None:
        """End it without notice if it still runs."""
        self.process.kill()
        self.process.wait()


def run_up(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run an `up` that is expected to end by itself."""
    return subprocess.run(
        [*UP, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=bare(**environment),
    )


def bare(**changes: str) -> dict[str, str]:
    """Return an environment without any variable of the project, then the changes."""
    known = {*ENVIRONMENT, *LEFT_OUT, "DATABASE_URL", "REDIS_URL", "DATA_DIR", "PORT"}
    outside = {name: value for name, value in os.environ.items() if name not in known}
    return {**outside, "ENV_FILE": os.devnull, **changes}


def command_line(pid: int) -> str:
    """Return the command line of a process, empty once it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""
