"""The data directory of one `up`: its lock, its secrets and its `env` file."""

import base64
import fcntl
import json
import os
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from config.errors import AlreadyRunning, CannotRun
from config.places import write_private

LOCK_SECONDS = 1.0
KEPT: dict[str, Callable[[], str]] = {
    "SECRET_KEY": lambda: secrets.token_urlsafe(50),
    "CRON_SECRET": lambda: secrets.token_urlsafe(32),
    "SERVICE_ROLE_KEY": lambda: secrets.token_urlsafe(32),
    "WORKER_SECRET": lambda: secrets.token_urlsafe(32),
    "FIELD_ENCRYPTION_KEYS": lambda: base64.urlsafe_b64encode(os.urandom(32)).decode(),
    "POSTGRES_PASSWORD": lambda: secrets.token_urlsafe(24),
    "VALKEY_PASSWORD": lambda: secrets.token_urlsafe(24),
    "ADMIN_PASSWORD": lambda: secrets.token_urlsafe(9),
}
SERVICE_SECRETS = tuple(KEPT)[:5]
"""Those that are also environment variables of the project."""


@contextmanager
def held(directory: Path) -> Iterator[None]:
    """Be the only `up` on this directory, which is created if there is none."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "up.lock").open("a+") as lock:
        deadline = time.monotonic() + LOCK_SECONDS
        # A command that asks whether `up` runs holds a shared lock for a moment.
        while not _locked(lock.fileno()):
            if time.monotonic() > deadline:
                lock.seek(0)
                raise AlreadyRunning(
                    f"Ritmo already runs on {directory} (process {lock.read().strip()})"
                )
            time.sleep(0.05)
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        # What a killed `up` left speaks of servers that are gone.
        (directory / "env").unlink(missing_ok=True)
        yield


def kept_secrets(directory: Path) -> dict[str, str]:
    """Return the secrets of this directory, making those that it does not have yet."""
    place = directory / "secrets.json"
    try:
        known: dict[str, str] = json.loads(place.read_text()) if place.exists() else {}
    except ValueError:
        raise CannotRun(f"{place} is damaged: restore it, or delete it") from None
    if missing := {name: make() for name, make in KEPT.items() if name not in known}:
        known |= missing
        write_private(place, json.dumps(known, indent=1))
    return known


@contextmanager
def published(directory: Path, values: Mapping[str, str]) -> Iterator[None]:
    """Let every command in the checkout find these values while the block runs."""
    lines = [f"{name}={value}\n" for name, value in values.items()]
    place = directory / "env"
    write_private(place, "".join(lines))
    try:
        yield
    finally:
        place.unlink(missing_ok=True)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
