"""The form of a schedule: every kind of pattern, what it means, and its payload."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from queues.admin.faults import faults_by_place
from queues.admin.payload_form import payload_fields
from queues.admin.schedule_pattern import pattern_of
from queues.admin.schedule_preview import Line, preview
from queues.due import Between, Every, Once, parse_cron, upcoming
from queues.errors import InvalidJobData
from queues.handlers import registry
from queues.models import AccessScope, AuditEntry, ScheduleState
from queues.payload import encode
from queues.schedule_facts import read
from tests.queues.desk import page, staff
from tests.queues.schedules import every, make_schedule
from tests.queues.test_admin_schedules import GOOD, SCHEDULES, errors, save

pytestmark = pytest.mark.django_db(transaction=True)

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
CREATE = ("view_periodictask", "add_periodictask")


def live(client: Client, **changes: Any) -> dict[str, Any]:
    """Return what the form is told while someone types."""
    answer = client.post(f"{SCHEDULES}live/", {**GOOD, **changes})
    assert answer.status_code == 200, answer
    return dict(answer.json())


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ({"kind": "daily", "at": "08:05"}, "5 8 * * *"),
        ({"kind": "weekly", "at": "08:00", "days": ["1", "2", "3"]}, "0 8 * * 1-3"),
        ({"kind": "weekly", "at": "08:00", "days": ["6", "0"]}, "0 8 * * 6,0"),
        ({"kind": "weekly", "at": "08:00", "days": ["5", "6", "0"]}, "0 8 * * 5-7"),
        ({"kind": "weekly", "at": "23:59", "days": ["1", "5"]}, "59 23 * * 1,5"),
        ({"kind": "monthly", "at": "00:00", "day": "31"}, "0 0 31 * *"),
    ],
)
def test_what_staff_say_becomes_a_cron_line_and_is_read_back(
    admin_client: Client, said: dict[str, Any], line: str
):
    assert save(admin_client, **said).status_code == 302

    task = PeriodicTask.objects.get()
    assert read(task)["pattern"] == ["cron", line, "America/Sao_Paulo"]
    shown = admin_client.get(f"{SCHEDULES}{task.pk}/change/")
    form = shown.context["adminform"].form
    assert form["kind"].value() == said["kind"]
    assert form["at"].value().isoformat("minutes") == said["at"]
    for name in {"days", "day"} & set(said):
        found = form[name].value()
        held = set(found) if name == "days" else str(found)
        assert held == (set(said[name]) if name == "days" else said[name])


def test_a_moment_becomes_a_schedule_that_runs_once(admin_client: Client):
    save(admin_client, kind="once", moment="2030-01-02T03:04:05")

    task = PeriodicTask.objects.get()
    assert (task.clocked.clocked_time, task.one_off) == (
        datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC), True,
    )  # fmt: skip
    shown = page(admin_client, f"{SCHEDULES}{task.pk}/change/")
    assert "Once, on 2 Jan 2030 at 03:04" in shown


@pytest.mark.parametrize(
    ("said", "field", "words"),
    [
        ({"kind": "daily", "at": ""}, "at", "Say at what time."),
        ({"kind": "daily", "at": "25:00"}, "at", "valid time"),
        ({"kind": "weekly", "at": "08:00"}, "days", "at least one day"),
        ({"kind": "monthly", "at": "08:00", "day": ""}, "day", "Say on which day"),
        ({"kind": "monthly", "at": "08:00", "day": "32"}, "day", "less than or equal"),
        ({"kind": "once", "moment": ""}, "moment", "Say on which day"),
        ({"misfire": "never"}, "misfire", "valid choice"),
        ({"misfire_cap": "0"}, "misfire_cap", "greater than or equal"),
        ({"grace_seconds": "0"}, "grace_seconds", "greater than or equal"),
        ({"jitter_seconds": "86401"}, "jitter_seconds", "less than or equal"),
        ({"max_attempts": "0"}, "max_attempts", "greater than or equal"),
    ],
)
def test_what_a_kind_or_a_policy_misses_is_said_beside_it(
    admin_client: Client, said: dict[str, str], field: str, words: str
):
    found = errors(save(admin_client, **said))

    assert words in " ".join(found[field])
    assert set(found) == {field}


def test_policies_are_written_with_the_rest_and_shown_again(admin_client: Client):
    said = {
        "misfire": "all", "misfire_cap": "7", "grace_seconds": "60",
        "overlap": "skip", "jitter_seconds": "30", "max_attempts": "2",
        "one_off": "on",
    }  # fmt: skip

    save(admin_client, **said)

    state = ScheduleState.objects.get()
    assert (state.misfire, state.misfire_cap, state.grace_seconds) == ("all", 7, 60)
    assert (state.overlap, state.jitter_seconds, state.max_attempts) == ("skip", 30, 2)
    assert PeriodicTask.objects.get().one_off
    shown = admin_client.get(f"{SCHEDULES}{state.pk}/change/")
    form = shown.context["adminform"].form
    assert all(
        str(form[name].value()) == said[name] for name in set(said) - {"one_off"}
    )


def test_an_edit_leaves_a_pause_alone_and_tells_the_audit_what_changed(
    admin_client: Client,
):
    save(admin_client)
    task = PeriodicTask.objects.get()
    admin_client.post(f"{SCHEDULES}{task.pk}/pause/", {"note": "broken"})

    edit = {**GOOD, "cron": "0 4 * * *", "payload": '{"order_id": 8}'}
    del edit["enabled"]
    admin_client.post(f"{SCHEDULES}{task.pk}/change/", edit)
    admin_client.post(f"{SCHEDULES}{task.pk}/change/", edit)

    task.refresh_from_db()
    assert (task.enabled, task.state.pause_note) == (False, "broken")
    entry = AuditEntry.objects.get(action="schedule.change")
    assert entry.actor == "admin"
    assert set(entry.after) == {"pattern", "job"}
    shown = page(admin_client, f"{SCHEDULES}{task.pk}/change/")
    assert "<del>7</del> → <ins>8</ins>" in " ".join(shown.split())
    assert "<ins>Every day at 04:00 (America/Sao_Paulo)</ins>" in shown


def test_a_rename_keeps_the_schedule(admin_client: Client):
    save(admin_client)
    task = PeriodicTask.objects.get()

    save(admin_client, f"{task.pk}/change/", name="renamed")

    assert [(each.pk, each.name) for each in PeriodicTask.objects.all()] == [
        (task.pk, "renamed")
    ]
    assert AuditEntry.objects.get(action="schedule.change").before == {
        "name": "nightly"
    }


def test_a_copy_starts_from_all_that_the_other_says(admin_client: Client):
    save(admin_client, overlap="skip", jitter_seconds="9")
    task = PeriodicTask.objects.get()

    form = admin_client.get(f"{SCHEDULES}add/?copy={task.pk}").context["adminform"].form
    again = admin_client.get(f"{SCHEDULES}add/?copy=0").context["adminform"].form

    assert form["name"].value() == "nightly (copy)"
    assert (form["kind"].value(), form["type"].value()) == ("daily", "send-receipt")
    assert (form["overlap"].value(), form["jitter_seconds"].value()) == ("skip", 9)
    assert json.loads(form["payload"].value()) == {"order_id": 7}
    assert not again["name"].value()


def test_someone_with_a_scope_creates_only_what_lies_in_it():
    maker = staff("maker")
    group = Group.objects.create(name="receipts")
    group.permissions.set(Permission.objects.filter(codename__in=CREATE))
    AccessScope.objects.create(group=group, type="noop", queue="")
    User.objects.get(username="maker").groups.add(group)

    refused = save(maker)
    done = save(maker, name="mine", type="noop", payload="{}")

    assert (refused.status_code, done.status_code) == (403, 302)
    assert PeriodicTask.objects.get().name == "mine"


def test_typing_is_answered_with_words_and_ten_runs(admin_client: Client):
    said = live(admin_client, cron="30 8 * * 1-5", zone="Europe/Berlin")

    assert said["errors"] == {}
    assert "Monday to Friday at 08:30" in said["preview"]
    assert "Europe/Berlin (UTC+0" in said["preview"]
    assert said["preview"].count("<strong>08:30</strong>") >= 10
    assert "clocks go" in said["preview"]
    assert not PeriodicTask.objects.exists()


def test_typing_is_answered_in_the_language_of_the_reader(admin_client: Client):
    admin_client.cookies["django_language"] = "pt-br"

    said = live(admin_client, cron="0 8 * * 1")

    assert "Segunda-feira às 08:00" in said["preview"]


def test_typing_a_mistake_is_answered_beside_its_field(admin_client: Client):
    said = live(admin_client, cron="61 * * * *", payload="{}", type="send-campaign")

    assert "The minute “61” is not understood" in said["errors"]["cron"][0]
    assert said["payload"] == {"title": "is missing", "first_day": "is missing"}
    assert "Say when it runs" in said["preview"]


def test_typing_in_a_saved_schedule_keeps_its_name_and_phase(admin_client: Client):
    task = make_schedule("beat", **every(7, "hours"))
    row = ScheduleState.objects.create(schedule=task, counted_from=timezone.now())

    said = live(
        admin_client, name="beat", kind="every", every="7", unit="hours",
        schedule=str(task.pk),
    )  # fmt: skip

    due = row.counted_from + timedelta(hours=7)
    assert "name" not in said["errors"]
    assert f"<strong>{due.replace(microsecond=0):%H:%M}" in said["preview"]


def test_only_a_post_is_answered(admin_client: Client):
    assert admin_client.get(f"{SCHEDULES}live/").status_code == 405
    assert admin_client.post(f"{SCHEDULES}type/").status_code == 405


def marks(lines: list[Line]) -> list[str]:
    return [
        line.change or f"{line.day} {line.clock} {line.mark}".strip() for line in lines
    ]


def test_the_runs_show_where_the_clock_changes():
    before = datetime(2026, 3, 7, 12, tzinfo=UTC)
    plan = parse_cron("30 2 * * *", "America/New_York")

    shown = marks(preview(plan, "", "America/New_York", before).runs)

    assert shown[:4] == [
        "Sun 8 Mar 2026: clocks go forward by 1 h to 03:00",
        "Sun 8 Mar 2026 03:00 its own time is skipped by the clock",
        "Mon 9 Mar 2026 02:30",
        "Tue 10 Mar 2026 02:30",
    ]


def test_an_hour_that_comes_twice_is_shown_twice():
    before = datetime(2026, 11, 1, 5, 10, tzinfo=UTC)
    plan = parse_cron("*/30 * * * *", "America/New_York")

    shown = marks(preview(plan, "", "America/New_York", before).runs)

    assert shown[:5] == [
        "Sun 1 Nov 2026 01:30",
        "Sun 1 Nov 2026: clocks go back by 1 h to 01:00",
        "Sun 1 Nov 2026 01:00 the hour’s second time",
        "Sun 1 Nov 2026 01:30 the hour’s second time",
        "Sun 1 Nov 2026 02:00",
    ]


def test_a_change_beyond_the_ten_runs_is_shown_by_itself():
    plan = Every(timedelta(minutes=30), NOON)

    found = preview(plan, "", "Australia/Lord_Howe", NOON)

    assert len(found.runs) == 10
    assert [line.change for line in found.around if line.change] == [
        "Sun 5 Apr 2026: clocks go back by 30 min to 01:30"
    ]
    assert not found.is_steady


def test_a_run_every_few_years_is_told_without_all_the_clocks_between():
    plan = parse_cron("0 12 29 2 *", "America/New_York")

    found = preview(plan, "", "America/New_York", NOON)

    assert [line.day[-4:] for line in found.runs if line.day][:3] == [
        "2028", "2032", "2036",
    ]  # fmt: skip
    assert len(found.runs) <= 20


def test_runs_are_those_of_the_engine_and_stop_where_it_stops():
    plan = Between(parse_cron("0 6 * * *", "UTC"), end=NOON + timedelta(days=3))

    found = preview(plan, "", "UTC", NOON)

    assert [line.clock for line in found.runs] == ["06:00"] * 3
    assert len(upcoming(plan, NOON, 10)) == 3
    assert found.is_steady
    assert preview(Once(NOON), "", "UTC", NOON).runs == []


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("0 8 * * *", "daily"), ("0 8 * * 1,7", "weekly"), ("0 8 2 * *", "monthly"),
        ("0 8 2 * 1", "cron"), ("0 8 * 1 *", "cron"), ("*/5 * * * *", "cron"),
        ("0 99 * * *", "cron"), ("0 8 * * MON", "cron"),
    ],
)  # fmt: skip
def test_a_line_is_read_back_as_the_simplest_kind_that_says_it(line: str, kind: str):
    found = pattern_of(line, "UTC")

    assert (found["kind"], found["cron"]) == (kind, line)


def test_the_payload_has_a_field_for_each_property():
    found = {each.name: each for each in payload_fields(registry.get("send-campaign"))}

    kinds = {name: each.kind for name, each in found.items()}
    assert kinds == {
        "title": "text", "text": "lines", "first_day": "date", "channel": "choice",
        "most_messages": "integer", "share": "number", "is_rehearsal": "choice",
        "stores": "list", "weekdays": "several", "api_token": "secret", "prices": "json",
    }  # fmt: skip
    assert [name for name, each in found.items() if each.required] == [
        "title", "first_day",
    ]  # fmt: skip
    assert found["channel"].choices == (('"sms"', "sms"), ('"email"', "email"))
    assert (found["most_messages"].minimum, found["most_messages"].maximum) == (1, 1000)
    assert (found["stores"].items, found["most_messages"].default) == ("integer", "500")
    assert found["most_messages"].label == "Most messages"
    assert payload_fields(registry.get("noop")) == []


def test_a_type_tells_what_it_is_and_asks_for(admin_client: Client):
    def told(name: str) -> str:
        return str(admin_client.get(f"{SCHEDULES}type/?name={name}").json()["fields"])

    known, free, unknown = told("send-campaign"), told("noop"), told("nobody-knows")

    assert "Send a campaign to everyone who is due today." in known
    assert "reports" in known
    assert 'type="date"' in known
    assert "This type takes any JSON object." in free
    assert "No handler here knows this type." in unknown


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"most_messages": 0}, "must be at least 1"),
        ({"most_messages": 1001}, "must be at most 1000"),
        ({"share": 0}, "must be more than 0"),
        ({"channel": "pigeon"}, "is none of the choices"),
        ({"first_day": "soon"}, "must be a date"),
        ({"stores": ["x"]}, "must be a whole number"),
    ],
)
def test_what_a_type_refuses_is_said_in_plain_words(data: dict[str, Any], words: str):
    good = {"title": "Spring", "first_day": "2026-01-01"}

    with pytest.raises(InvalidJobData) as refused:
        encode(registry.get("send-campaign"), good | data)

    assert faults_by_place(refused.value) == dict.fromkeys(data, words)
