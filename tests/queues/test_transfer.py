"""Schedules to a file and back: whole, repeatable, refused in one line."""

import json
import stat
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django_celery_beat.models import PeriodicTask, SolarSchedule

from queues.models import AuditEntry, ScheduleState
from queues.schedule import pause, schedule
from queues.schedule_facts import read
from tests.processes import command
from tests.queues.schedules import edit, make_schedule

pytestmark = pytest.mark.django_db


def exported(*arguments: str) -> tuple[int, str, str]:
    """Return the exit code of an export, and what it said."""
    return run("export_schedules", *arguments)


def imported(file: Path, *arguments: str) -> tuple[int, list[str], str]:
    """Return the exit code of an import, its lines without the summary, its summary."""
    code, out, _ = run("import_schedules", str(file), *arguments)
    *lines, summary = out.splitlines()
    return code, lines, summary


def run(*words: str) -> tuple[int, str, str]:
    out, err = StringIO(), StringIO()
    try:
        call_command(*words, stdout=out, stderr=err)
    except CommandError as error:
        return error.returncode, out.getvalue(), f"{err.getvalue()}{error}"
    return 0, out.getvalue(), err.getvalue()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return where to write."""
    return tmp_path / "schedules.json"


@pytest.fixture
def all_kinds() -> None:
    """Write a schedule of every kind, with every word somewhere."""
    schedule("plain", type="noop", cron="0 3 * * *", timezone="Asia/Kolkata")
    schedule(
        "full", type="noop", every=timedelta(seconds=10), data={"é": [1]}, priority=1,
        queue="default", max_attempts=7, misfire="all", misfire_cap=5, overlap="queue",
        grace=timedelta(minutes=2), jitter=timedelta(seconds=3), description="why",
        start=datetime(2026, 1, 1, tzinfo=UTC), end=datetime(2030, 1, 1, tzinfo=UTC),
    )  # fmt: skip
    schedule("once", type="noop", at=datetime(2030, 1, 1, tzinfo=UTC))
    schedule("one-off", type="noop", cron="@daily", one_off=True, enabled=False)
    schedule("paused", type="noop", cron="@daily")
    pause("paused", note="The provider is down")


def facts() -> dict[str, Any]:
    """Return what every schedule says."""
    notes = ScheduleState.objects.values_list("schedule_id", "pause_note")
    by_id = dict(notes)
    return {
        task.name: (read(task), by_id.get(task.pk, ""))
        for task in PeriodicTask.objects.all()
    }


# ── Out and back ───────────────────────────────────────────────────────────────────


@pytest.mark.usefixtures("all_kinds")
def test_what_was_exported_comes_back_whole(file):
    before = facts()
    assert exported(str(file))[0] == 0
    PeriodicTask.objects.all().delete()

    code, lines, _ = imported(file)

    assert code == 0
    assert [line.split()[0] for line in lines] == ["create"] * 5
    assert facts() == before


@pytest.mark.usefixtures("all_kinds")
def test_an_import_repeated_changes_nothing(file):
    exported(str(file))
    audited = AuditEntry.objects.count()
    stamps = list(PeriodicTask.objects.values_list("date_changed"))

    code, lines, summary = imported(file)

    assert (code, {line.split()[0] for line in lines}) == (0, {"same"})
    assert summary == "0 created, 0 changed, 5 as they were, 0 not expressible"
    assert list(PeriodicTask.objects.values_list("date_changed")) == stamps
    assert AuditEntry.objects.count() == audited


@pytest.mark.usefixtures("all_kinds")
def test_an_import_overwrites_edits_and_says_which(file):
    exported(str(file))
    edit(PeriodicTask.objects.get(name="full"), priority=9)
    ScheduleState.objects.filter(schedule__name="full").update(overlap="skip")
    ScheduleState.objects.filter(schedule__name="paused").update(pause_note="else")

    _, lines, summary = imported(file)

    assert [line for line in lines if line.startswith("change")] == [
        "change  full  priority, overlap",
        "change  paused  pause_note",
    ]
    assert summary.startswith("0 created, 2 changed, 3 as they were")
    assert PeriodicTask.objects.get(name="full").priority == 1


@pytest.mark.usefixtures("all_kinds")
def test_a_dry_run_tells_the_same_and_writes_nothing(file):
    exported(str(file))
    PeriodicTask.objects.filter(name="full").delete()

    code, lines, summary = imported(file, "--dry-run")

    assert code == 0
    assert "create  full  every 10 → noop" in lines
    assert summary == (
        "Nothing is written. It would be:"
        " 1 created, 0 changed, 4 as they were, 0 not expressible"
    )
    assert not PeriodicTask.objects.filter(name="full").exists()


def test_the_export_names_only_what_is_not_as_usual():
    schedule("plain", type="noop", cron="0 3 * * *", timezone="UTC")

    _, out, _ = exported()

    assert json.loads(out) == {
        "version": 1,
        "schedules": [
            {"name": "plain", "type": "noop", "data": {}, "cron": "0 3 * * *",
             "timezone": "UTC"},
        ],
    }  # fmt: skip


def test_the_file_is_for_its_owner_alone(file):
    exported(str(file))

    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_what_the_file_cannot_hold_is_told_and_the_rest_is_written(file):
    solar = SolarSchedule.objects.create(event="sunrise", latitude=1, longitude=1)
    make_schedule("sun", solar=solar)
    make_schedule("broken", kwargs="{")
    make_schedule("good")

    code, _, said = exported(str(file))

    assert code == 1
    assert "left out sun: its pattern is of a kind" in said
    assert "left out broken: its payload is not a JSON object" in said
    assert said.endswith("Schedules that the file cannot hold: 2")
    (written,) = json.loads(file.read_text())["schedules"]
    assert written["name"] == "good"


# ── In ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({"name": "a", "type": "no-such-type", "cron": "@daily"}, "Unknown job type"),
        ({"name": "a", "cron": "@daily"}, "Invalid job type"),
        ({"name": "a", "type": "noop"}, "either cron"),
        ({"name": "a", "type": "noop", "cron": "61 * * * *"}, "minute"),
        ({"name": "a", "type": "noop", "cron": "@daily", "color": 1}, "unknown words: color"),
        ({"name": "a", "type": "noop", "every": "10"}, "timedelta"),
        ({"name": "a", "type": "noop", "every": 10**12}, "whole seconds"),
        ({"name": "good", "type": "noop", "cron": "@hourly"}, "another entry"),
        ({"name": "\ud800", "type": "noop", "cron": "@daily"}, "A name is a text"),
        ({"name": "a", "type": "noop", "at": "noon"}, "isoformat"),
        ({"name": "a", "type": "noop", "at": "2030-01-01T00:00:00"}, "time zone"),
        ({"name": "a", "type": "noop", "cron": "@daily", "enabled": "no"}, "true or false"),
        ({"name": "a", "type": "noop", "cron": "@daily", "description": 1}, "a text"),
        ({"name": "a", "type": "noop", "cron": "@daily", "data": [1]}, "Invalid job data"),
        ({"type": "noop", "cron": "@daily"}, "an object with a name"),
        (7, "an object with a name"),
    ],
)  # fmt: skip
def test_an_entry_that_is_no_schedule_is_told_and_the_rest_is_written(
    file, entry, reason
):
    good = {"name": "good", "type": "noop", "cron": "@daily"}
    file.write_text(json.dumps({"schedules": [good, entry]}))

    code, lines, summary = imported(file)

    assert code == 1
    assert lines[1].startswith("refuse")
    assert reason in lines[1]
    assert summary == "1 created, 0 changed, 0 as they were, 1 not expressible"
    assert PeriodicTask.objects.get().name == "good"


def test_a_file_of_another_system_changes_only_what_it_says(file):
    schedule("mine", type="noop", cron="@daily", overlap="skip", description="why")
    pause("mine")
    file.write_text(
        "SELECT cron.schedule('mine', '0 4 * * *',"
        " $$SELECT enqueue_job('noop', '{\"a\": 1}', 2)$$);"
    )

    code, lines, _ = imported(file)
    again = imported(file)

    assert (code, lines) == (0, ["change  mine  job, priority, pattern"])
    assert again[1] == ["same    mine"]
    task = PeriodicTask.objects.get()
    assert (task.crontab.hour, task.priority, task.enabled) == ("4", 2, False)
    assert (task.description, task.state.overlap) == ("why", "skip")


def test_code_respects_what_was_imported(file):
    file.write_text("0 4 * * * python manage.py enqueue noop")
    imported(file)

    schedule("noop", type="noop", cron="0 5 * * *")

    assert PeriodicTask.objects.get().crontab.hour == "4"


def test_notes_stand_below_their_entry(file):
    file.write_text('{"crons": [{"path": "/x", "schedule": "@daily"}]}')

    _, lines, _ = imported(file, "--base-url", "https://a.example")

    assert lines[0].startswith("create  vercel /x  cron 0 0 * * * UTC → http-request")
    assert lines[1].strip().startswith("add the header Authorization")


def test_a_hyphen_is_the_standard_input(monkeypatch):
    monkeypatch.setattr("sys.stdin", StringIO("0 4 * * * manage.py enqueue noop"))

    code, lines, _ = imported(Path("-"))

    assert (code, lines) == (0, ["create  noop  cron 0 4 * * * UTC → noop"])


# ── Misuse ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["import_schedules", "/nowhere/x"], "Cannot read /nowhere/x: No such file"),
        (["import_schedules", "/"], "Cannot read /: Is a directory"),
        (["export_schedules", "/nowhere/x"], "Cannot write /nowhere/x: No such file"),
        (["import_schedules", "FILE"], "This is none of"),
        (["import_schedules", "BINARY"], "is not a text in UTF-8"),
        (["import_schedules", "FILE", "--timezone", "Mars"], "Unknown time zone: Mars"),
        (["import_schedules", "FILE", "--base-url", "x"], "--base-url is an address"),
    ],
)
def test_misuse_is_one_line(words, said, tmp_path):
    (tmp_path / "FILE").write_text("hello")
    (tmp_path / "BINARY").write_bytes(b"\xff\xfe\x00")
    places = {"FILE", "BINARY"}
    words = [str(tmp_path / word) if word in places else word for word in words]

    code, out, err = run(*words)

    assert (code, out) == (2, "")
    assert said in err
    assert "\n" not in err


@pytest.mark.django_db(transaction=True)
def test_the_commands_as_processes_read_and_write_the_standard_streams():
    schedule("mine", type="noop", cron="@daily")

    out = command("export_schedules")
    unknown = command("import_schedules", "--colour")

    assert json.loads(out.stdout)["schedules"][0]["name"] == "mine"
    assert (unknown.returncode, unknown.stderr.count("\n")) == (2, 1)
