"""PgBouncer in transaction mode in front of the tests' own database.

It gives a server connection to a client for one transaction. With fewer of them than
clients, whatever a client leaves behind in its session is another one's a moment later,
and prepared statements, session locks and LISTEN do not work at all.
"""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection

from config.servers import USER, Server
from tests.processes import free_port

SIZE = 4
"""Connections to PostgreSQL that all clients share."""
ANY = "tests-only"
WITHOUT = "no PgBouncer here: these tests need one (apt-get install pgbouncer)"


class Pooler(Server):
    """A PgBouncer that lets everyone in who reaches its port."""

    name = "pgbouncer"
    title = "PgBouncer"
    stop_signals = ((signal.SIGINT, 3.0), (signal.SIGKILL, 2.0))

    def __init__(self, home: Path, program: str, behind: dict[str, Any]) -> None:
        super().__init__(home, ANY)
        self.program, self.behind = program, behind

    def start(self) -> None:
        """Write the configuration and wait until a statement goes through."""
        self.port = free_port()
        configuration = self.home / "pgbouncer.ini"
        configuration.write_text("\n".join(self._settings()))
        self.run([self.program, str(configuration)])

    def _settings(self) -> list[str]:
        at = self.behind
        target = f"host={at['HOST']} port={at['PORT']} dbname={at['NAME']}"
        user = ["user = nobody"] if os.geteuid() == 0 else []  # it refuses root
        return [
            "[databases]",
            f"{at['NAME']} = {target} user={at['USER']} password={at['PASSWORD']}",
            "[pgbouncer]",
            *user,
            "listen_addr = 127.0.0.1",
            f"listen_port = {self.port}",
            "unix_socket_dir =",
            "auth_type = any",
            "pool_mode = transaction",
            f"default_pool_size = {SIZE}",
            "max_client_conn = 200",
            "query_wait_timeout = 30",
        ]

    def answers(self) -> bool:
        """Tell whether a statement goes through."""
        with suppress(psycopg.OperationalError), self._connect(self.behind["NAME"]):
            return True
        return False

    def show(self, what: str) -> list[dict[str, Any]]:
        """Return what its own console shows."""
        with self._connect("pgbouncer") as own:
            cursor = own.execute(f"SHOW {what}".encode(), prepare=False)
            names = [column.name for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def _connect(self, name: str) -> Any:
        return psycopg.connect(
            host="127.0.0.1", port=self.port, user=USER, password=ANY, dbname=name,
            autocommit=True, connect_timeout=3, cursor_factory=psycopg.ClientCursor,
        )  # fmt: skip


@pytest.fixture
def pooler(transactional_db: None, monkeypatch: Any) -> Iterator[Pooler]:
    """Lead this process, and all that it starts, to the database through PgBouncer."""
    home = Path(tempfile.mkdtemp(prefix="ritmo-pooler-"))
    made = Pooler(home, _program(), dict(connection.settings_dict))
    made.start()
    monkeypatch.setenv("RITMO_PGBOUNCER", "on")
    try:
        with _led_to(made.port):
            yield made
    finally:
        made.stop()
        shutil.rmtree(home)


@contextmanager
def _led_to(port: int) -> Iterator[None]:
    """Let the connections of this process, in any thread, lead to another port."""
    held = connection.settings_dict["PORT"]
    connection.close()
    connection.settings_dict["PORT"] = str(port)
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["PORT"] = held


def _program() -> str:
    """Return the system's PgBouncer; without one, CI fails and a laptop skips aloud."""
    if found := shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin"):
        return found
    if os.environ.get("CI"):
        pytest.fail(WITHOUT)
    pytest.skip(WITHOUT)
