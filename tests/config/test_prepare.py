"""What a start does to a database before anything runs on it."""

from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.db import connections

from config import prepare


@pytest.fixture(autouse=True)
def _stay_connected(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the connection of the test, which a start would close at its end."""
    monkeypatch.setattr(connections, "close_all", lambda: None)


def test_an_empty_database_gets_one_staff_user(db: None):
    prepare.prepare("first")
    prepare.prepare("second")

    user = User.objects.get()
    assert (user.username, user.is_superuser) == ("admin", True)
    assert user.check_password("first")


def test_other_users_are_left_alone(db: None):
    User.objects.create_user("someone")

    prepare.prepare("first")

    assert User.objects.get().username == "someone"


def test_the_welcome_repeats_only_the_password_that_it_gave(db: None):
    prepare.prepare("first")
    assert prepare.welcome("first") == "Sign in as admin with the password first"

    assert "first" not in prepare.welcome("another")
    assert prepare.welcome("another") == "Sign in with the account that you made"


def test_static_files_are_collected_for_production(db: None, settings, tmp_path: Path):
    settings.DEBUG = False
    settings.STATIC_ROOT = tmp_path

    prepare.prepare("first")

    assert (tmp_path / "admin" / "css" / "base.css").exists()


def test_every_known_queue_is_served(settings):
    settings.QUEUES = ("slow",)

    assert {"default", "slow"} <= set(prepare.known_queues())


def test_what_was_installed_is_told_in_one_line_and_once(db: None, capsys):
    prepare.prepare("first")
    prepare.prepare("first")

    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("up     | Installed ")
    assert line.endswith(" starter schedules and alert rules")
