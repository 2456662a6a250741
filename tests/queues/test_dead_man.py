"""When nobody is left to tell people, the doctor tells them itself."""

import subprocess
import sys
import time

import pytest
from django.core import mail
from django.core.management import call_command

from queues.alerts import deadman
from queues.alerts.rules import install_rules
from queues.models import AlertMessage, Job, Worker
from queues.presence import present

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _own_memory(settings, tmp_path):
    settings.DATA_DIR = tmp_path


@pytest.fixture
def mailed(admin_user):
    install_rules()
    return admin_user.email


def check(*more):
    """Return the exit code."""
    try:
        call_command("doctor", "--dead-man", *more)
    except SystemExit as end:
        return end.code
    return 0


def test_it_tells_people_itself_and_not_again_within_the_hour(mailed, capsys):
    assert (check(), check()) == (1, 1)

    (letter,) = mail.outbox
    assert letter.to == [mailed]
    assert "beat" in letter.subject
    assert "workers" in letter.subject
    assert "told over email" in capsys.readouterr().err
    assert not Job.objects.exists()
    assert not AlertMessage.objects.exists()


def test_after_an_hour_it_tells_again(mailed, monkeypatch):
    check()
    later = time.time() + deadman.COOLDOWN + 1
    monkeypatch.setattr(time, "time", lambda: later)
    check()

    assert len(mail.outbox) == 2


def test_it_calls_the_alarm_off_once(mailed):
    check()
    for kind in (Worker.Kind.BEAT, Worker.Kind.NODE):
        present(kind)

    assert (check(), check()) == (0, 0)

    assert [each.subject.partition(":")[0] for each in mail.outbox][1:] == [
        "[Ritmo] Well again"
    ]


def test_with_nobody_to_tell_it_says_so(capsys):
    assert check() == 1

    assert "nobody could be told" in capsys.readouterr().err


def test_slack_down_means_mail(mailed, settings, httpserver, capsys):
    settings.SLACK_WEBHOOK_URL = httpserver.url_for("/hook")
    httpserver.expect_request("/hook").respond_with_data("", status=500)

    assert check() == 1

    assert len(httpserver.log) == 2
    assert len(mail.outbox) == 1
    assert "slack: the channel answered 500" in capsys.readouterr().err


def test_it_needs_no_database(httpserver, tmp_path):
    httpserver.expect_request("/hook").respond_with_data("ok")
    environment = {
        "PATH": "/usr/bin:/bin", "DEBUG": "on", "SECRET_KEY": "tests-only",
        "ENV_FILE": "/dev/null", "DATA_DIR": str(tmp_path),
        "DATABASE_URL": "postgres://nobody:x@127.0.0.1:1/none",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "SLACK_WEBHOOK_URL": httpserver.url_for("/hook"),
    }  # fmt: skip
    ended = subprocess.run(
        [sys.executable, "manage.py", "doctor", "--dead-man"],
        env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert ended.returncode == 1, ended.stderr
    ((request, _answer),) = httpserver.log
    assert "database" in request.json["text"]
