"""Start everything on one machine: servers, web, worker and beat, until told to stop."""

import argparse
import http.client
import os
import secrets
import signal
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from typing import NoReturn

from config.datadir import SERVICE_SECRETS, held, kept_secrets, published
from config.demo import hub, stand
from config.env import Environment, load
from config.errors import AlreadyRunning, CannotRun, PortTaken
from config.places import is_free, remembered_port
from config.servers import Postgres, Valkey
from config.supervise import GRACE_SECONDS, Child, Supervisor, say, show

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Stopped(BaseException):
    """Somebody asked for the end; a BaseException, for nothing on the way may catch it."""


class Parser(argparse.ArgumentParser):
    """Refuse in one line, without the usage."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and end as misuse."""
        self.exit(2, f"{self.prog}: {message}\n")


def main(arguments: list[str]) -> int:
    """Run `manage.py up` and return its exit code: 0 stopped, 1 failed, 2 misuse."""
    parser = Parser("manage.py up", description=__doc__)
    add_arguments(parser)
    return run(parser.parse_args(arguments))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--port", type=_between(1, 65535), help="of the web; 8000")
    parser.add_argument("--workers", type=_between(1, 512), default=2, help="processes")
    parser.add_argument(
        "--no-demo", action="store_true", help="start without demo jobs"
    )
    parser.add_argument("--data-dir", type=Path, help="where everything is kept; .data")


def run(options: argparse.Namespace) -> int:
    """Start, watch and stop; whatever happens, nothing is left running."""
    for number in SIGNALS:
        signal.signal(number, _stop)
    try:
        _live(options)
    except Stopped:
        say("Stopped")
        return 0
    except AlreadyRunning as refusal:
        sys.stderr.write(f"{refusal}\n")
        return 2
    except CannotRun as failure:
        sys.stderr.write(f"{failure}\n")
        return 1
    except OSError as failure:
        reason = failure.strerror or failure
        sys.stderr.write(
            f"The data directory cannot be used: {reason}: {failure.filename}\n"
        )
        return 1


def _live(options: argparse.Namespace) -> NoReturn:
    environment = load(running=False)
    directory = (options.data_dir or environment.directory()).absolute()
    port = options.port or environment.number("PORT", 8000, least=1, most=65535)
    with ExitStack() as stack:
        stack.enter_context(held(directory))
        if not is_free(port):
            raise PortTaken(f"Port {port} is taken: free it, or pass --port")
        kept = kept_secrets(directory)
        family = Supervisor()
        stack.callback(family.stop)
        values = _surroundings(environment, directory, kept, family)
        values |= {"PORT": str(port), "RITMO_DEMO": "off" if options.no_demo else "on"}
        values |= _outside(environment, directory, port, demo=not options.no_demo)
        os.environ |= values
        stack.enter_context(published(directory, values))
        say("Preparing the database")
        from config.prepare import known_queues, prepare, welcome

        prepare(kept["ADMIN_PASSWORD"])
        children = _children(port, options.workers, known_queues())
        for child in [*children, *_demo(port, values)]:
            family.add(child)
        family.watch(until=Readiness(port))
        login = welcome(kept["ADMIN_PASSWORD"])
        show(f"Ritmo is ready at http://127.0.0.1:{port}/admin/\n{login}")
        family.watch()
    raise AssertionError("the watch ends by an exception alone")


def _surroundings(
    environment: Environment,
    directory: Path,
    kept: dict[str, str],
    family: Supervisor,
) -> dict[str, str]:
    """Return what the project needs to know, starting the servers that nobody named."""
    values = {name: environment.text(name) or kept[name] for name in SERVICE_SECRETS}
    values["DATA_DIR"] = str(directory)
    embedded = 0
    for variable, kind, key in (
        ("DATABASE_URL", Postgres, "POSTGRES_PASSWORD"),
        ("REDIS_URL", Valkey, "VALKEY_PASSWORD"),
    ):
        values[variable] = environment.text(variable)
        if not values[variable]:
            server = kind(directory, kept[key])
            say(
                f"Starting the embedded {server.title} (set {variable} to use your own)"
            )
            family.add(server)
            values[variable] = server.url
            embedded += 1
    # Plain HTTP on the loopback interface is all that this start serves by itself.
    for name, default in (
        ("DEBUG", "on" if embedded == 2 else "off"),  # noqa: PLR2004
        ("ALLOWED_HOSTS", "127.0.0.1,localhost"),
        ("HTTPS_ONLY", "off"),
    ):
        values[name] = environment.text(name) or default
    return values


def _outside(
    environment: Environment, directory: Path, port: int, *, demo: bool
) -> dict[str, str]:
    """Return where we are found, and where the demo's phones, shops and lists are."""
    values = stand.places(environment, directory, demo=demo)
    values |= hub.places(environment, directory, demo=demo)
    values |= {"PUBLIC_URL": environment.text("PUBLIC_URL", f"http://127.0.0.1:{port}")}
    if demo:
        phones = remembered_port(directory, "phones")
        values["DEMO_PHONES_URL"] = f"http://127.0.0.1:{phones}"
        values["DEMO_PHONES_TOKEN"] = secrets.token_urlsafe(16)
        # The phones are on this machine.
        values["PROVIDERS_ALLOW_PRIVATE"] = environment.text(
            "PROVIDERS_ALLOW_PRIVATE", "on"
        )
    return values


def _demo(port: int, values: dict[str, str]) -> list[Child]:
    """Return the processes that only the demo needs."""
    return [*_phones(port, values), *stand.children(values), *hub.children(values)]


def _phones(port: int, values: dict[str, str]) -> list[Child]:
    """Return the demo's provider: phones of people who answer, opt out, are away."""
    from config.demo.accounts import ACCOUNT

    if "DEMO_PHONES_URL" not in values:
        return []
    here = values["DEMO_PHONES_URL"].rpartition(":")[2]
    webhook = f"http://127.0.0.1:{port}/webhooks/uazapi/{ACCOUNT}"
    module = [sys.executable, "-m", "config.demo.provider"]
    command = [*module, "--port", here, "--webhook", webhook]
    return [Child("phones", command, {"RITMO_PROCESS": "phones"})]


def _children(port: int, workers: int, queues: list[str]) -> list[Child]:
    python = [sys.executable, "-m"]
    celery = [*python, "celery", "--quiet", "-A", "config"]
    settings = "python:config.gunicorn"
    bind = f"127.0.0.1:{port}"
    commands = {
        "web": [*python, "gunicorn", "-c", settings, "--bind", bind, "config.wsgi"],
        "worker": [
            *celery, "worker", "-Q", ",".join(queues), "-c", str(workers),
            "--without-gossip", "--without-mingle",
        ],
        "beat": [*celery, "beat", "--pidfile="],
    }  # fmt: skip
    # Beside a root shell the worker is root as well; nothing here reads pickles.
    quiet = "ignore:You're running the worker with superuser privileges"
    surroundings = {"PYTHONWARNINGS": quiet, "RITMO_GRACE": str(GRACE_SECONDS)}
    return [
        Child(name, command, {"RITMO_PROCESS": name, **surroundings})
        for name, command in commands.items()
    ]


class Readiness:
    """Ask /readyz, and say what is missing when it takes long."""

    def __init__(self, port: int) -> None:
        from django.conf import settings

        self.port = port
        named = [host.lstrip(".") for host in settings.ALLOWED_HOSTS]
        self.host = next((host for host in named if host != "*"), "127.0.0.1")
        self.next = self.patience = time.monotonic() + 0.5

    def __call__(self) -> bool:
        """Tell whether everything answers, asking four times a second."""
        if (now := time.monotonic()) < self.next:
            return False
        self.next = now + 0.25
        status, reason = self._ask()
        if status != http.HTTPStatus.OK and now > self.patience + 15:
            self.patience = now
            say(f"Still waiting for /readyz: {reason}")
        return status == http.HTTPStatus.OK

    def _ask(self) -> tuple[int, str]:
        web = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            web.request("GET", "/readyz", headers={"Host": self.host})
            answer = web.getresponse()
            body = answer.read(500).decode(errors="replace")
        except (OSError, http.client.HTTPException) as error:
            return 0, str(error)
        finally:
            web.close()
        return answer.status, f"{answer.status} {' '.join(body.split())[:200]}"


def _between(least: int, most: int) -> "type[int]":
    def number(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"must be from {least} to {most}")
        return int(text)

    return number  # type: ignore[return-value]


def _stop(_: int, __: FrameType | None) -> None:
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    raise Stopped
