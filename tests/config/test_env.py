"""The environment: what is read from where, and what refuses to start."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from config import env
from config.datadir import held, published
from config.env import BASE_DIR, BadEnvironment, Environment
from tests.config.house import bare

STRONG = "0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOPQ"
PRODUCTION = {
    "DATABASE_URL": "postgres://ritmo:secret@127.0.0.1:1/ritmo",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "SECRET_KEY": STRONG,
    "ALLOWED_HOSTS": "ritmo.example.com",
}


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a Python command in the checkout on this environment alone."""
    return subprocess.run(
        [sys.executable, *command],
        capture_output=True,
        text=True,
        check=False,
        cwd=BASE_DIR,
        env=bare(DATA_DIR="/nonexistent", **environment),
    )


def test_a_production_environment_passes_the_deployment_check():
    answer = run(
        "-W", "error", "manage.py", "check", "--deploy", "--fail-level", "WARNING",
        **PRODUCTION,
    )  # fmt: skip

    assert answer.returncode == 0, answer.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", ""),
        ("DATABASE_URL", "mysql://a:b@host/name"),
        ("DATABASE_URL", "postgres://a:b@host:port/name"),
        ("DATABASE_URL", "postgres://host"),
        ("REDIS_URL", ""),
        ("REDIS_URL", "http://host"),
        ("REDIS_URL", "redis://host/name"),
        ("SECRET_KEY", ""),
        ("SECRET_KEY", "short"),
        ("SECRET_KEY", "x" * 60),
        ("SECRET_KEY", "django-insecure-" + STRONG),
        ("ALLOWED_HOSTS", ""),
        ("ALLOWED_HOSTS", "https://ritmo.example.com"),
        ("CRON_SECRET", "dev-secret-change-in-production"),
        ("SERVICE_ROLE_KEY", "a-good-one,change-me"),
        ("WORKER_SECRET", "dev-secret-change-in-production"),
        ("FIELD_ENCRYPTION_KEYS", "short"),
        ("DEBUG", "perhaps"),
        ("EMAIL_URL", "pigeon://coop"),
        ("EMAIL_URL", "smtp://host:port"),
        ("SENTRY_DSN", "https://sentry.example.com/nothing"),
        ("SLACK_WEBHOOK_URL", "hooks.example.com"),
        ("CORS_ALLOWED_ORIGINS", "https://app.example.com/path"),
        ("CSRF_TRUSTED_ORIGINS", "app.example.com"),
        ("TIME_ZONE", "Brasilia"),
        ("TIME_ZONE", "../etc/passwd"),
        ("LANGUAGE_CODE", "tlh"),
        ("LOG_LEVEL", "LOUD"),
        ("QUEUES", "Has Blanks"),
        ("EXTRA_APPS", "not-a-module"),
        ("EXTRA_APPS", "no.such.app"),
        ("EXTRA_APPS", "tests.nothing"),
        ("METRICS_ALLOWED_NETWORKS", "everywhere"),
        ("METRICS_ALLOWED_NETWORKS", "10.0.0.1/8"),
        ("DATABASE_URL", "nonsense"),
        ("RETENTION_DAYS", "never"),
    ],
)
def test_a_bad_value_stops_the_start_with_one_line(name: str, value: str):
    answer = run(
        "-c", "from django.conf import settings; settings.DEBUG",
        DJANGO_SETTINGS_MODULE="config.settings", **{**PRODUCTION, name: value},
    )  # fmt: skip

    assert answer.returncode == 1
    assert answer.stderr.startswith(f"ritmo: {name} ")
    assert answer.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("app", "is_found"),
    [
        ("tests", True),
        ("tests.shop", True),
        ("queues.apps.QueuesConfig", True),
        ("queues.nothing", False),
        ("queues.nothing.NothingConfig", False),
        ("nothing", False),
    ],
)
def test_an_app_is_looked_for_before_django_imports_it(app: str, is_found: bool):
    given = Environment({"EXTRA_APPS": app})

    if is_found:
        assert given.apps("EXTRA_APPS") == (app,)
    else:
        with pytest.raises(BadEnvironment, match=f"EXTRA_APPS .*: {app}"):
            given.apps("EXTRA_APPS")


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (["manage.py", "check"], 1),
        (["-m", "celery", "-A", "config", "worker"], 1),
        (["-m", "celery", "-A", "config", "beat"], 1),
        (["-m", "gunicorn", "-c", "python:config.gunicorn", "config.wsgi"], 1),
        (["-m", "gunicorn", "-b", "127.0.0.1:0", "config.wsgi"], 4),
        (["-c", "import config.wsgi"], 1),
    ],
)
def test_every_kind_of_process_refuses_alike(command: list[str], code: int):
    answer = run(*command, **{**PRODUCTION, "DATABASE_URL": ""})

    assert answer.returncode == code
    assert "ritmo: DATABASE_URL is missing" in answer.stderr
    assert "Traceback" not in answer.stderr


@pytest.mark.parametrize(
    ("process", "pgbouncer", "limits", "pool"),
    [
        ("web", "off", "-c statement_timeout=10s", True),
        ("worker", "off", "-c statement_timeout=60s", False),
        ("worker", "on", "None", False),
        ("command", "off", "None", False),
    ],
)
def test_each_process_opens_the_database_in_its_own_way(
    process: str, pgbouncer: str, limits: str, pool: bool
):
    code = (
        "from django.conf import settings;"
        "options = settings.DATABASES['default']['OPTIONS'];"
        "print(options.get('options')); print('pool' in options)"
    )
    answer = run(
        "-c", code,
        DJANGO_SETTINGS_MODULE="config.settings", RITMO_PROCESS=process,
        RITMO_PGBOUNCER=pgbouncer, **PRODUCTION,
    )  # fmt: skip

    found, pooled = answer.stdout.splitlines()
    assert found.startswith(limits)
    assert pooled == str(pool)


def test_development_accepts_what_production_refuses():
    answer = run(
        "manage.py", "check",
        **{**PRODUCTION, "SECRET_KEY": "x", "ALLOWED_HOSTS": "", "DEBUG": "on"},
        WORKER_SECRET="dev-secret-change-in-production",
    )  # fmt: skip

    assert answer.returncode == 0, answer.stderr


def test_the_real_environment_wins_over_dotenv_and_that_over_a_running_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    dotenv = tmp_path / "dotenv"
    dotenv.write_text("A=dotenv\nB=dotenv\n# a comment\nexport D='with blanks'\n")
    monkeypatch.setenv("ENV_FILE", str(dotenv))
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.setenv("A", "real")

    with held(tmp_path), published(tmp_path, {"A": "up", "B": "up", "C": "up"}):
        found = env.load()
        alone = env.load(running=False)

    assert [found.text(name) for name in "ABCD"] == [
        "real",
        "dotenv",
        "up",
        "with blanks",
    ]
    assert alone.text("C") == ""


def test_what_a_dead_up_left_is_ignored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "env").write_text("C=up\n")
    (tmp_path / "up.lock").write_text("1\n")
    monkeypatch.setenv("DATA_DIR", str(tmp_path))

    assert env.load().text("C") == ""


def test_a_dotenv_that_is_not_text_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "dotenv").write_bytes(b"\xff\xfe\x00")
    monkeypatch.setenv("ENV_FILE", str(tmp_path / "dotenv"))

    with pytest.raises(BadEnvironment, match="dotenv cannot be read"):
        env.load()


def test_a_secret_may_have_several_values_and_blanks_never_count():
    environment = Environment({"CRON_SECRET": " one, ,two,,"})

    assert environment.secrets("CRON_SECRET", production=True) == ("one", "two")
    assert environment.secrets("WORKER_SECRET", production=True) == ()


def test_a_database_address_keeps_its_parameters():
    environment = Environment(
        {"DATABASE_URL": "postgresql://a:p%40ss@[::1]:5433/b?sslmode=require"}
    )

    found = environment.database()

    assert found["PASSWORD"] == "p@ss"
    assert (found["HOST"], found["PORT"]) == ("::1", 5433)
    assert found["OPTIONS"] == {"sslmode": "require"}


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        (["/x/bin/celery", "-A", "config", "worker", "-Q", "default"], "worker"),
        (["/x/celery/__main__.py", "-A", "config", "beat"], "beat"),
        (["/x/bin/celery", "report"], "command"),
        (["manage.py", "migrate"], "command"),
    ],
)
def test_a_process_knows_what_it_is(
    arguments: list[str], kind: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sys, "argv", arguments)

    assert env.process_kind() == kind


def test_every_variable_is_in_the_example():
    listed = {
        line.partition("=")[0]
        for line in (BASE_DIR / ".env.example").read_text().splitlines()
        if line and not line.startswith("#")
    }

    from tests.environment import ENVIRONMENT, LEFT_OUT

    known = {*ENVIRONMENT, *LEFT_OUT, "DATABASE_URL", "REDIS_URL", "DATA_DIR", "PORT"}
    known |= {"RETENTION_DAYS", "RETENTION_DAYS_AUDIT", "RETENTION_DAYS_FAILED"}
    known |= {"RITMO_VERSION"}
    assert listed == known - {"ENV_FILE", "RITMO_PROCESS"}
    assert os.devnull
