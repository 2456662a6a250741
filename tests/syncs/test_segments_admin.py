"""The console of segments: switch, run, watch, rules, rows kept aside."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from queues.models import AuditEntry, Job, LimitRow
from syncs.clock import now
from syncs.models import (
    EnrolmentRule,
    SegmentControl,
    SegmentLog,
    SegmentPass,
    SegmentRefusal,
)
from tests.cadences.people import cadence
from tests.syncs.segments import company, members, run_jobs, segment, sync

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(admin_client):
    """Return a function that opens a page and returns its text."""

    def read(name, *arguments, **query):
        address = reverse(f"admin:syncs_{name}", args=arguments)
        with CaptureQueriesContext(connection) as asked:
            answer = admin_client.get(address, query)
        assert answer.status_code == 200
        assert len(asked) <= 20, len(asked)
        return answer.content.decode()

    return read


def press(client, control, verb, **answers):
    address = reverse(f"admin:syncs_segmentcontrol_{verb}", args=[control.pk])
    return client.post(address, answers, follow=True)


def test_the_list_says_how_each_stands(page, hub):
    hub.fill(101, range(1, 4))
    good = segment(101, enrich="never", name="Novos")
    sync(good)
    segment(102, status="paused")

    text = page("segmentcontrol_changelist")

    assert "Novos (101)" in text
    assert "100 %" in text
    assert "paused" in text


def test_the_list_shows_all_together_and_the_busiest_hour(page):
    for number in range(1, 13):
        segment(number)
    SegmentControl.objects.update(next_execution=now() + timedelta(hours=2))
    SegmentLog.objects.create(
        control=SegmentControl.objects.first(), segment_id=1, status="success",
        stats={"processed": 7}, active_seconds=2000,
    )  # fmt: skip

    text = page("segmentcontrol_changelist")

    assert "12 syncs, 3 at once: done within 2 h 13 min" in " ".join(text.split())
    assert "To be done within an hour takes 7 places." in text
    assert 'data-part="series"' in text
    LimitRow.objects.filter(name="sync-segment-leads").update(running=0)
    assert "The limit is 0: no sync starts." in page("segmentcontrol_changelist")


def test_a_segment_is_paused_run_and_reactivated(admin_client, hub):
    hub.fill(101, range(1, 4))
    control = segment(enrich="never")

    press(admin_client, control, "pause", note="holidays")
    control.refresh_from_db()
    paused = (control.status, control.note)
    press(admin_client, control, "run")
    run_jobs()
    press(admin_client, control, "reactivate")

    control.refresh_from_db()
    log = SegmentLog.objects.get()
    assert paused == ("paused", "holidays")
    assert (log.status, log.trigger, log.actor) == ("success", "manual", "admin")
    assert (control.status, len(members(control))) == ("active", 3)
    deeds = set(AuditEntry.objects.values_list("action", flat=True))
    assert {"segment.pause", "segment.run", "segment.reactivate"} <= deeds


def test_the_page_of_a_segment_shows_what_runs_and_what_went(page, hub):
    hub.fill(101, range(1, 4))
    control = segment(enrich="never")
    sync(control)
    SegmentPass.objects.create(
        control=control, job_id=Job.objects.latest("pk").pk, trigger="manual"
    )

    text = page("segmentcontrol_change", control.pk)

    assert "data-follow" in text
    assert "Ana3 Exemplo" in text
    assert "joined the segment" in text
    assert 'data-series="{' in text
    SegmentPass.objects.all().delete()


def test_held_removals_are_let_go_by_a_person(admin_client, page):
    control = segment(held_removals=90)
    assert "90 members would leave" in page("segmentcontrol_change", control.pk)

    press(admin_client, control, "accept")

    control.refresh_from_db()
    assert control.accept_removals is True


def test_a_new_segment_is_checked_before_it_is_saved(admin_client):
    facts = {
        "segment_id": 7, "name": "New", "company": company().pk, "cron": "every day",
        "time_zone": "America/Sao_Paulo", "jitter_seconds": 0, "misfire": "once",
        "enrich": "changed", "enrich_most": 500, "guard_percent": 20,
    }  # fmt: skip
    address = reverse("admin:syncs_segmentcontrol_add")

    refused = admin_client.post(address, facts)
    admin_client.post(address, {**facts, "cron": "0 8 * * 1-5"})

    assert b"five fields" in refused.content
    control = SegmentControl.objects.get()
    assert (control.segment_id, control.cron, control.status) == (
        7, "0 8 * * 1-5", "active",
    )  # fmt: skip
    assert AuditEntry.objects.filter(action="segment.create").exists()


def test_a_row_kept_aside_is_read_anew_or_dismissed(admin_client, page, hub):
    hub.add(3, 101, email={"deep": 1})
    hub.add(4, 101)
    control = segment(enrich="never")
    sync(control)
    row = SegmentRefusal.objects.get()
    assert "email is no text" in page("segmentrefusal_changelist")
    hub.leads[3]["email"] = "ana3@mail.example"

    admin_client.post(reverse("admin:syncs_segmentrefusal_replay", args=[row.pk]))
    run_jobs()

    row.refresh_from_db()
    assert row.resolved_at is not None
    assert members(control) == {"3", "4"}


def test_a_rule_is_written_and_shows_what_it_did(admin_client, page, hub):
    hub.fill(101, [1])
    control = segment(enrich="never")
    facts = {
        "name": "Welcome", "is_active": "on", "on": "joined", "control": control.pk,
        "facts": "", "cadence": cadence().pk, "with_baseline": "on",
    }  # fmt: skip
    admin_client.post(reverse("admin:syncs_enrolmentrule_add"), facts)
    made = EnrolmentRule.objects.get()

    sync(control)
    run_jobs()

    assert "Ana1 Exemplo" in page("enrolmentrule_change", made.pk)
    assert "Welcome" in page("enrolmentrule_changelist")
    assert AuditEntry.objects.filter(action="rule.create").exists()


def test_who_may_only_look_finds_no_switch(client, django_user_model):
    from django.contrib.auth.models import Permission

    person = django_user_model.objects.create_user("bia", password="x", is_staff=True)
    person.user_permissions.add(Permission.objects.get(codename="view_segmentcontrol"))
    client.force_login(person)
    control = segment()

    shown = client.get(reverse("admin:syncs_segmentcontrol_change", args=[control.pk]))

    assert shown.status_code == 200
    assert b"Run now" not in shown.content
    assert press(client, control, "run").status_code == 403


def test_what_a_sync_counted_and_what_a_row_looked_like_are_told_in_words(page):
    control = segment()
    log = SegmentLog.objects.create(
        control=control, segment_id=101, status="success",
        stats={"found": 1200, "joined": 7, "mode": "full"},
    )  # fmt: skip
    row = SegmentRefusal.objects.create(
        control=control, external_id="8", reason="email is no text",
        sample={"email": "list", "phone": "NoneType"},
    )  # fmt: skip

    told = " ".join(page("segmentlog_change", log.pk).split())
    form = " ".join(page("segmentrefusal_change", row.pk).split())

    assert "<dt>joined</dt><dd>7</dd>" in told
    assert "<dt>email</dt><dd>a list</dd>" in form
    assert "<dt>phone</dt><dd>empty</dd>" in form
