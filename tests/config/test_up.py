"""`manage.py up`, as a real process with real children."""

import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class

from config.env import BASE_DIR
from tests.config.house import House, bare, run_up
from tests.processes import free_port, until

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc"),
    pytest.mark.timeout(400),
]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One `up` for the whole module: each test leaves it running."""
    house = House(tmp_path_factory.mktemp("house"))
    try:
        house.start()
        yield house
    finally:
        house.end()


def test_the_ready_line_names_the_address_and_the_login(house: House):
    ready = house.lines.index(f"Ritmo is ready at http://127.0.0.1:{house.port}/admin/")

    assert house.lines[ready + 1].startswith("Sign in as admin with the password ")
    assert house.get("/admin/login/").status == 200
    assert house.get("/").headers["Location"] == "/admin/"
    assert "starting it again" not in house.log.read_text()


def test_logs_are_prefixed_with_their_process(house: House):
    until(lambda: any("ready." in line for line in house.lines))

    names = {line.split("|")[0].strip() for line in house.lines if " | " in line}
    assert names == {"up", "web", "worker", "beat"}


def test_what_it_keeps_is_private(house: House):
    for name in ("env", "secrets.json"):
        assert stat.S_IMODE((house.directory / name).stat().st_mode) == 0o600
    published = (house.directory / "env").read_text()
    for name in ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "CRON_SECRET"):
        assert f"{name}=" in published


def test_commands_in_the_checkout_use_its_servers(house: House):
    code = "from django.contrib.auth.models import User; print(User.objects.get())"

    report = subprocess.run(
        [sys.executable, "-m", "celery", "-A", "config", "report"],
        capture_output=True, text=True, check=True,
        cwd=BASE_DIR, env=bare(DATA_DIR=str(house.directory)),
    )  # fmt: skip

    assert house.ask(code) == "admin"
    published = (house.directory / "env").read_text()
    port = published.partition("REDIS_URL=")[2].splitlines()[0].rsplit(":", 1)[1]
    assert f":{port}" in report.stdout


def test_a_second_start_on_the_same_directory_is_misuse(house: House):
    second = run_up("--port", str(free_port()), "--data-dir", str(house.directory))

    assert second.returncode == 2
    assert second.stderr == (
        f"Ritmo already runs on {house.directory} (process {house.process.pid})\n"
    )
    assert house.is_ready()


def test_a_taken_port_is_one_clear_line(house: House, tmp_path: Path):
    taken = run_up("--port", str(house.port), "--data-dir", str(tmp_path))

    assert taken.returncode == 1
    assert taken.stderr == f"Port {house.port} is taken: free it, or pass --port\n"
    assert not (tmp_path / "postgres").exists()


@pytest.mark.parametrize(
    ("name", "mark"), [("web", "gunicorn"), ("worker", " worker "), ("beat", " beat ")]
)
def test_a_killed_child_is_started_again(house: House, name: str, mark: str):
    before = house.pid(mark)

    house.kill(mark)

    house.wait_for(f"{name} ended with signal SIGKILL; starting it again")
    until(lambda: house.pid(mark) not in {0, before})
    until(house.is_ready)


@pytest.mark.parametrize("server", ["bin/postgres", "valkey-server"])
def test_a_killed_server_is_started_again_with_its_data(house: House, server: str):
    before = house.pid(server)

    house.kill(server)
    time.sleep(0.3)

    until(
        lambda: (
            house.ask("from django.core.cache import cache; print(cache.get('x'))")
            == "None"
        )
    )
    count = "from django.contrib.auth.models import User; print(User.objects.count())"
    until(lambda: house.ask(count) == "1")
    assert house.pid(server) not in {0, before}


def test_killed_itself_it_leaves_nothing_and_starts_again_on_its_data(house: House):
    login = next(line for line in house.lines if line.startswith("Sign in"))
    house.ask(
        "from django.contrib.auth.models import User; User.objects.create(username='x')"
    )

    house.process.kill()
    house.process.wait()

    until(lambda: not house.left(), 20)
    assert "DATABASE_URL is missing" in house.ask("") or "SECRET_KEY" in house.ask("")

    house.start()

    assert login in house.lines
    users = "from django.contrib.auth.models import User; print(User.objects.count())"
    assert house.ask(users) == "2"


def test_it_stops_in_order_when_asked_and_hands_back_what_runs(house: House):
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        body = {"url": f"http://127.0.0.1:{deaf.getsockname()[1]}/"}
        house.ask(
            f"from queues.enqueue import enqueue; enqueue('http-request', {body})"
        )
        with deaf.accept()[0]:
            started = time.monotonic()

            house.process.send_signal(signal.SIGTERM)

            assert house.process.wait(30) == 0
    assert time.monotonic() - started < 20  # the machine may be busy
    assert not house.left()
    assert not (house.directory / "env").exists()
    assert house.lines[-1] == "up     | Stopped"
    # Its port is free again at once.
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", house.port))

    house.start()
    first = "Attempt.objects.filter(job__type='http-request').earliest('id').outcome"
    told = house.ask(f"from queues.models import Attempt; print({first})")
    assert told == "released"
    house.process.send_signal(signal.SIGTERM)
    assert house.process.wait(20) == 0


@pytest.mark.parametrize(
    "arguments",
    [["--port", "0"], ["--port", "x"], ["--workers", "0"], ["--nonsense"], ["extra"]],
)
def test_bad_arguments_are_misuse(arguments: list[str]):
    answer = run_up(*arguments)

    assert answer.returncode == 2
    assert answer.stderr.startswith("manage.py up: ")
    assert answer.stderr.count("\n") == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is unwritable to root")
def test_an_unwritable_directory_is_one_clear_line(tmp_path: Path):
    tmp_path.chmod(0o500)

    answer = run_up("--data-dir", str(tmp_path / "data"), "--port", str(free_port()))

    assert answer.returncode == 1
    assert answer.stderr.startswith("The data directory cannot be used: Permission")
    assert answer.stderr.count("\n") == 1


def test_a_file_where_the_directory_should_be_is_one_clear_line(tmp_path: Path):
    (tmp_path / "data").touch()

    answer = run_up("--data-dir", str(tmp_path / "data"), "--port", str(free_port()))

    assert answer.returncode == 1
    assert answer.stderr.count("\n") == 1


def test_a_database_that_is_not_there_is_one_clear_line(tmp_path: Path):
    answer = run_up(
        "--data-dir", str(tmp_path), "--port", str(free_port()),
        DATABASE_URL="postgres://nobody:none@127.0.0.1:1/none",
    )  # fmt: skip

    assert answer.returncode == 1
    assert answer.stderr.startswith("The database cannot be prepared: ")
    assert answer.stderr.count("\n") == 1
    assert not (tmp_path / "env").exists()


def test_a_broker_that_is_not_there_is_one_clear_line(tmp_path: Path):
    answer = run_up(
        "--data-dir", str(tmp_path), "--port", str(free_port()),
        REDIS_URL="redis://127.0.0.1:1/0",
    )  # fmt: skip

    assert answer.returncode == 1
    assert answer.stderr.startswith("REDIS_URL does not answer: ")
    assert answer.stderr.count("\n") == 1


def test_help_needs_no_environment_and_lists_the_command():
    answer = subprocess.run(
        [sys.executable, str(BASE_DIR / "manage.py"), "help", "up"],
        capture_output=True, text=True, check=True, env=bare(),
    )  # fmt: skip

    assert "--no-demo" in answer.stdout
    assert "up" in get_commands()


def test_the_listed_command_is_the_same(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as end:
        load_command_class("config", "up").run_from_argv(
            ["manage.py", "up", "--port", "0"]
        )

    assert end.value.code == 2
    assert "must be from 1 to 65535" in capsys.readouterr().err
