"""The embedded servers and the family that watches them."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
import redis

from config import leash, places
from config.datadir import held, kept_secrets
from config.errors import AlreadyRunning, CannotRun, GivenUp, ServerFailed
from config.servers import Postgres, Valkey
from config.supervise import CHILD_SECONDS, GRACE_SECONDS, Child, Supervisor
from tests.processes import until


def test_data_and_ports_outlive_a_restart(tmp_path: Path):
    postgres, valkey = Postgres(tmp_path, "p", fast=True), Valkey(tmp_path, "v")
    try:
        postgres.start()
        valkey.start()
        urls = postgres.url, valkey.url
        with psycopg.connect(postgres.url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT lower('ÅÉ') AS word")
        with redis.Redis.from_url(valkey.url) as client:
            client.set("kept", "yes")
        postgres.stop()
        valkey.stop()
        assert postgres.poll() is not None

        postgres.start()
        valkey.start()

        assert (postgres.url, valkey.url) == urls
        with psycopg.connect(postgres.url) as connection:
            assert connection.execute("SELECT word FROM kept").fetchone() == ("åé",)
        with redis.Redis.from_url(valkey.url) as client:
            assert client.get("kept") == b"yes"
    finally:
        valkey.stop()
        postgres.stop()


def test_a_wrong_password_opens_neither(tmp_path: Path):
    postgres = Postgres(tmp_path, "right", fast=True)
    try:
        postgres.start()
    finally:
        postgres.stop()

    with pytest.raises(ServerFailed, match=r"password is not the one kept"):
        Postgres(tmp_path, "wrong", fast=True).start()


def test_a_server_that_cannot_start_says_why(tmp_path: Path):
    (tmp_path / "postgres").mkdir(mode=0o700)
    (tmp_path / "postgres" / "PG_VERSION").write_text("9.6\n")

    with pytest.raises(
        ServerFailed, match="PostgreSQL did not start: postgres: could not"
    ):
        Postgres(tmp_path, "p").start()


@pytest.mark.parametrize(
    ("find", "variable"),
    [(places.postgres_programs, "DATABASE_URL"), (places.valkey_program, "REDIS_URL")],
)
def test_a_platform_without_a_wheel_is_told_what_to_set(
    find, variable: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(places, "find_spec", lambda name: None)

    with pytest.raises(ServerFailed, match=f"No embedded .* set {variable}"):
        find()


def test_a_leftover_server_is_ended_and_a_stranger_is_not(tmp_path: Path):
    mark = str(tmp_path / "valkey.conf")
    sleep = [sys.executable, "-c", "import time; time.sleep(60)"]
    pid_file = tmp_path / "pid"
    with subprocess.Popen([*sleep, mark]) as ours, subprocess.Popen(sleep) as stranger:
        pid_file.write_text(f"{stranger.pid}\n")
        places.stop_leftover(pid_file, mark, [signal.SIGTERM])
        assert stranger.poll() is None
        assert not pid_file.exists()

        pid_file.write_text(f"{ours.pid}\n")
        until(lambda: mark in places._command_line(ours.pid))
        places.stop_leftover(pid_file, mark, [signal.SIGKILL])
        assert ours.wait(5) == -signal.SIGKILL
        stranger.kill()


@pytest.mark.parametrize("word", ["", "x", "999999999"])
def test_a_senseless_pid_file_is_no_obstacle(word: str, tmp_path: Path):
    (tmp_path / "pid").write_text(word)

    places.stop_leftover(tmp_path / "pid", "nobody's mark", [signal.SIGKILL])


def test_a_remembered_port_that_was_taken_is_replaced(tmp_path: Path):
    (tmp_path / "ports.json").write_text("nonsense")
    first = places.remembered_port(tmp_path, "web")
    assert places.remembered_port(tmp_path, "web") == first

    with socket.create_server(("127.0.0.1", first)):
        assert places.remembered_port(tmp_path, "web") != first


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs it")
@pytest.mark.parametrize("readable", [True, False])
def test_root_without_namespaces_runs_postgres_as_nobody(
    readable: bool, monkeypatch: pytest.MonkeyPatch, tmp_path_factory
):
    home = Path("/var/tmp") / f"ritmo-test-{os.getpid()}"  # noqa: S108
    home.mkdir(mode=0o755)
    runs = places._runs
    monkeypatch.setattr(
        places,
        "_runs",
        lambda mode, *command: (
            mode != "namespace"
            and (readable or "--version" not in command)
            and runs(mode, *command)
        ),
    )
    postgres = Postgres(home, "p", fast=True)
    try:
        postgres.start()
        assert (home / "postgres").stat().st_uid == leash.NOBODY
        assert (home / "programs").exists() is not readable
    finally:
        postgres.stop()
        shutil.rmtree(home)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs it")
def test_root_whom_nobody_cannot_help_is_told_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setattr(places, "_runs", lambda *_: False)

    with pytest.raises(ServerFailed, match="--data-dir under /var/lib"):
        Postgres(tmp_path, "p").start()


def test_two_cannot_hold_one_directory(tmp_path: Path):
    with (
        held(tmp_path),
        pytest.raises(AlreadyRunning, match=f"process {os.getpid()}"),
        held(tmp_path),
    ):
        pass


def test_secrets_are_made_once(tmp_path: Path):
    assert kept_secrets(tmp_path) == kept_secrets(tmp_path)

    (tmp_path / "secrets.json").write_text("{")
    with pytest.raises(CannotRun, match="is damaged"):
        kept_secrets(tmp_path)


def test_a_child_that_always_dies_is_given_up(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("config.supervise.PAUSE", 0)
    family = Supervisor()
    family.add(Child("web", [sys.executable, "-c", "raise SystemExit(3)"], {}))

    with pytest.raises(GivenUp, match="web ended 6 times within a minute"):
        family.watch()

    family.stop()


def test_nothing_takes_longer_to_stop_than_is_promised():
    servers = [
        sum(seconds for _, seconds in each.stop_signals) for each in (Postgres, Valkey)
    ]

    assert CHILD_SECONDS + max(servers) < 15
    assert GRACE_SECONDS + 3 < CHILD_SECONDS


def test_a_child_that_will_not_stop_is_ended(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setattr("config.supervise.CHILD_SECONDS", 0.2)
    stubborn = (
        "import pathlib, signal, sys, time; signal.signal(15, signal.SIG_IGN);"
        "pathlib.Path(sys.argv[1]).touch(); time.sleep(60)"
    )
    family = Supervisor()
    child = Child("web", [sys.executable, "-c", stubborn, str(tmp_path / "on")], {})
    family.add(child)
    until((tmp_path / "on").exists)

    family.stop()

    assert child.poll() == -signal.SIGKILL
