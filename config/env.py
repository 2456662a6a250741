"""Read the environment: the real one, then `.env`, then what a running `up` left."""

import fcntl
import os
import re
import sys
import warnings
from collections.abc import Mapping
from importlib.machinery import PathFinder
from importlib.util import find_spec
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import environ
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
EXAMPLES = (
    "change-me",
    "changeme",
    "change-in-production",
    "django-insecure",
    "your-secret",
    "your_service_role_key",
    "seu_cron_secret",
)
SHORTEST_SECRET_KEY = 50


class BadEnvironment(SystemExit):
    """A variable is missing or malformed: the process ends with this one line."""

    def __init__(self, name: str, fact: str) -> None:
        super().__init__(f"ritmo: {name} {fact}")


class Environment:
    """Answer for each variable in its own type, or end the process naming it."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self.values = values

    def text(self, name: str, default: str = "") -> str:
        """Return the value without surrounding blanks; blank counts as unset."""
        return self.values.get(name, "").strip() or default

    def need(self, name: str, hint: str) -> str:
        """Return the value or refuse to start."""
        if not (value := self.text(name)):
            raise BadEnvironment(name, f"is missing: {hint}")
        return value

    def flag(self, name: str, *, default: bool) -> bool:
        """Return a yes or no; any other word is refused."""
        value = self.text(name).lower()
        if not value:
            return default
        if value in {*environ.Env.BOOLEAN_TRUE_STRINGS, "1"}:
            return True
        if value in {"false", "off", "no", "n", "0"}:
            return False
        raise BadEnvironment(name, "must be one of on, off, true, false, 1, 0")

    def number(self, name: str, default: int, *, least: int = 0, most: int) -> int:
        """Return a whole number within its bounds."""
        value = self.text(name, str(default))
        if not re.fullmatch(r"\d{1,9}", value) or not least <= int(value) <= most:
            raise BadEnvironment(name, f"must be a number from {least} to {most}")
        return int(value)

    def words(self, name: str, pattern: str = r".+") -> tuple[str, ...]:
        """Return the non-empty, stripped items of a comma-separated list."""
        items = tuple(
            word for item in self.text(name).split(",") if (word := item.strip())
        )
        for item in items:
            if not re.fullmatch(pattern, item):
                raise BadEnvironment(name, "holds an item that is malformed")
        return items

    def apps(self, name: str) -> tuple[str, ...]:
        """Return applications that can be found; nothing of them is imported yet."""
        items = self.words(name, r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
        for item in items:
            if not _is_there(item):
                raise BadEnvironment(name, f"names an app that is not there: {item}")
        return items

    def networks(self, name: str) -> tuple[str, ...]:
        """Return networks such as 10.0.0.0/8."""
        items = self.words(name)
        try:
            for item in items:
                ip_network(item)
        except ValueError:
            raise BadEnvironment(name, "must be networks such as 10.0.0.0/8") from None
        return items

    def secrets(self, name: str, *, production: bool) -> tuple[str, ...]:
        """Return the accepted values of a service secret; examples are refused."""
        values = self.words(name)
        if production and any(is_example(value) for value in values):
            raise BadEnvironment(name, "is an example value: generate your own")
        return values

    def secret_key(self, *, production: bool) -> str:
        """Return SECRET_KEY; production demands one that is long and its own."""
        value = self.need("SECRET_KEY", "set 50 or more random characters")
        if not production:
            return value
        if is_example(value):
            raise BadEnvironment("SECRET_KEY", "is an example value: generate your own")
        if len(value) < SHORTEST_SECRET_KEY or len(set(value)) < 5:  # noqa: PLR2004
            raise BadEnvironment("SECRET_KEY", "is too weak: use 50 random characters")
        return value

    def origins(self, name: str) -> list[str]:
        """Return origins such as https://app.example.com, without a path."""
        return list(self.words(name, r"https?://[^/\s?#@]+"))

    def url(self, name: str, *schemes: str) -> str:
        """Return a URL of one of the schemes with a host, or nothing when unset."""
        value = self.text(name)
        if value and not _fits(value, schemes):
            raise BadEnvironment(name, f"must be a URL such as {schemes[0]}://host/…")
        return value

    def template(self, name: str, default: str, blank: str) -> str:
        """Return a URL with one blank to fill in, such as https://{shop}."""
        value = self.text(name, default)
        filled = value.replace(f"{{{blank}}}", "blank.example")
        if filled == value or "{" in filled or not _fits(filled, ("https", "http")):
            raise BadEnvironment(name, f"must be a URL with {{{blank}}} in it")
        return value.rstrip("/")

    def database(self) -> dict[str, Any]:
        """Return DATABASE_URL as Django wants it; only PostgreSQL is accepted."""
        url = self.need("DATABASE_URL", "set it, or start everything with `make up`")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of another engine: ours is the line
                found: dict[str, Any] = environ.Env.db_url_config(url)
        except ValueError:
            found = {}
        known = str(found.get("ENGINE", "")) == "django.db.backends.postgresql"
        if not known or not found["NAME"]:
            raise BadEnvironment(
                "DATABASE_URL", "must look like postgres://user:password@host:5432/name"
            )
        return found

    def redis(self) -> str:
        """Return REDIS_URL, whose path may only be a database number."""
        self.need("REDIS_URL", "set it, or start everything with `make up`")
        url = self.url("REDIS_URL", "redis", "rediss")
        if not re.fullmatch(r"/?\d{0,3}", urlsplit(url).path):
            raise BadEnvironment("REDIS_URL", "must look like redis://host:6379/0")
        return url

    def email(self) -> dict[str, Any]:
        """Return Django's EMAIL_* settings; unset means mail goes to the log."""
        try:
            found: dict[str, Any] = environ.Env.email_url_config(
                self.text("EMAIL_URL", "consolemail://")
            )
        except (ImproperlyConfigured, ValueError):
            raise BadEnvironment(
                "EMAIL_URL", "must look like smtp+tls://user:password@host:587"
            ) from None
        return {name: value for name, value in found.items() if value is not None}

    def choice(self, name: str, *choices: str) -> str:
        """Return one of the choices, whatever its case; the first is the default."""
        value = self.text(name, choices[0]).lower()
        for choice in choices:
            if value == choice.lower():
                return choice
        raise BadEnvironment(name, f"must be one of {', '.join(choices)}")

    def zone(self) -> str:
        """Return TIME_ZONE, a name of the time zone database."""
        name = self.text("TIME_ZONE", "UTC")
        try:
            ZoneInfo(name)
        except (KeyError, OSError, ValueError):
            fact = "is not a time zone such as America/Sao_Paulo"
            raise BadEnvironment("TIME_ZONE", fact) from None
        return name

    def directory(self) -> Path:
        """Return DATA_DIR; a relative one lies in the checkout."""
        return BASE_DIR / self.text("DATA_DIR", ".data")


def is_example(value: str) -> bool:
    """Tell whether a secret was copied from documentation."""
    return any(example in value.lower() for example in EXAMPLES)


def load(*, running: bool = True) -> Environment:
    """Merge the sources; `running` adds what a live `up` left in its data directory."""
    values = {**_file(_dotenv()), **os.environ}
    if running:
        directory = Environment(values).directory()
        if is_up(directory):
            values = {**_file(directory / "env"), **values}
    return Environment(values)


def process_kind() -> str:
    """Return what this process is: web, worker, beat or command."""
    if kind := os.environ.get("RITMO_PROCESS"):
        return kind
    program = Path(sys.argv[0])
    if program.name == "celery" or program.parent.name == "celery":
        return next(
            (word for word in sys.argv if word in {"worker", "beat"}), "command"
        )
    return "command"


def is_up(directory: Path) -> bool:
    """Tell whether an `up` holds this data directory now."""
    try:
        with (directory / "up.lock").open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _dotenv() -> Path:
    return BASE_DIR / os.environ.get("ENV_FILE", ".env")


def _file(path: Path) -> dict[str, str]:
    class Source(environ.Env):  # type: ignore[misc]
        ENVIRON: dict[str, str] = {}

    if path.is_file():
        try:
            Source.read_env(path)
        except (OSError, UnicodeDecodeError):
            raise BadEnvironment(str(path), "cannot be read as UTF-8 text") from None
    return Source.ENVIRON


def _fits(value: str, schemes: tuple[str, ...]) -> bool:
    try:
        url = urlsplit(value)
        return url.scheme in schemes and bool(url.hostname) and url.port != 0
    except ValueError:
        return False


def _is_there(app: str) -> bool:
    """Tell whether there is such a module, or a module with such a name in it."""
    top, *parts = app.split(".")
    spec, name = find_spec(top), top
    for number, part in enumerate(parts, start=1):
        if spec is None or spec.submodule_search_locations is None:
            break
        name = f"{name}.{part}"
        spec = PathFinder.find_spec(name, spec.submodule_search_locations)
        if spec is None:
            return number == len(parts) and part[0].isupper()
    return spec is not None
