"""Run one command on fresh servers: `python -m tests.servers COMMAND…`."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from config.servers import Postgres, Valkey
from tests.environment import ENVIRONMENT

OURS = {"EXTRA_APPS"}
"""What the caller may say otherwise than the tests do."""


def main(command: list[str]) -> int:
    """Return the exit code of the command."""
    with tempfile.TemporaryDirectory(prefix="ritmo-") as home:
        postgres = Postgres(Path(home), "tests-only", fast=True)
        valkey = Valkey(Path(home), "tests-only", fast=True)
        try:
            postgres.start()
            valkey.start()
            servers = {"DATABASE_URL": postgres.url, "REDIS_URL": valkey.url}
            environment = {**os.environ, **ENVIRONMENT, **servers, "DATA_DIR": home}
            environment |= {name: os.environ[name] for name in OURS & os.environ.keys()}
            return subprocess.run(command, env=environment, check=False).returncode
        finally:
            valkey.stop()
            postgres.stop()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
