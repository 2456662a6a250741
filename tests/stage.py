"""Fresh servers, durable as in production, for a benchmark or a chaos run."""

import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from config.servers import Postgres, Valkey
from tests.environment import ENVIRONMENT, LEFT_OUT


@dataclass(frozen=True, slots=True)
class Stage:
    """The servers of one run."""

    home: Path
    postgres: Postgres
    valkey: Valkey


@contextmanager
def stage(*apps: str, fast: bool = False) -> Iterator[Stage]:
    """Start both servers, load the settings on them with these apps, and migrate.

    `fast` ones outlive any crash but that of the machine. At the end, also by Ctrl-C or
    SIGTERM, nothing is left behind.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _leave)
    with tempfile.TemporaryDirectory(
        prefix="ritmo-stage-", ignore_cleanup_errors=True
    ) as home:
        place = Path(home)
        built = Stage(
            place,
            Postgres(place, "stage-only", fast=fast),
            Valkey(place, "stage-only", fast=fast),
        )
        try:
            built.postgres.start()
            built.valkey.start()
            _set(built, apps)
            yield built
        finally:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            built.valkey.stop()
            built.postgres.stop()


def _set(built: Stage, apps: tuple[str, ...]) -> None:
    for name in LEFT_OUT:
        os.environ.pop(name, None)
    # DEBUG would keep every statement in memory: figures are those of production.
    os.environ.update(
        ENVIRONMENT,
        DEBUG="off",
        DATABASE_URL=built.postgres.url,
        REDIS_URL=built.valkey.url,
        DATA_DIR=str(built.home / "data"),
        EXTRA_APPS=",".join(apps),
        DJANGO_SETTINGS_MODULE="config.settings",
        TMPDIR=str(built.home),
    )
    tempfile.tempdir = str(built.home)

    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", run_syncdb=True, verbosity=0)


def _leave(number: int, _: object) -> None:
    sys.exit(128 + number)
