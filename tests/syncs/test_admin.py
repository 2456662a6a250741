"""The console of syncs: what is shown, what may be pressed, and what it does."""

import re
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from queues.models import AuditEntry
from syncs.admin import told
from syncs.credentials import opened, replace
from syncs.judge import Verdict
from syncs.models import (
    CacheEntry,
    Connection,
    Credential,
    Event,
    Quarantined,
    Run,
    Store,
)
from tests.queues.desk import page, staff
from tests.syncs.stores import ask, entry, rerun, sync

pytestmark = pytest.mark.django_db


def address(row, verb="change"):
    name = f"admin:syncs_{row._meta.model_name}_{verb}"
    return reverse(name, args=[row.pk])


@pytest.fixture
def store(shop):
    return shop()


def test_every_list_and_page_opens_with_few_statements(
    store, stand, admin_client, django_assert_max_num_queries
):
    rows = [stand.row(n) for n in range(30)] + [{"id": "o-x", "bad": True}]
    stand.script = lambda call, times: (200, {"rows": rows, "next": None})
    sync(store)
    ask(store, forced=True)
    found = [
        Run.objects.first(), store, Connection.objects.get(), CacheEntry.objects.get(),
        Quarantined.objects.get(),
    ]  # fmt: skip

    for row in found:
        with django_assert_max_num_queries(15):
            page(
                admin_client, reverse(f"admin:syncs_{row._meta.model_name}_changelist")
            )
        with django_assert_max_num_queries(15):
            page(admin_client, address(row))
    with django_assert_max_num_queries(15):
        shown = page(admin_client, reverse("admin:syncs_overview"))
    assert "done in" in shown
    assert "State of the syncs" in page(admin_client, "/admin/")


def test_the_page_of_a_sync_tells_its_story(store, admin_client):
    run = sync(store)

    shown = page(admin_client, address(run))

    for fact in (
        "A stream is complete", "Numbers were published", "orders", "Done",
        "result: succeeded",
    ):  # fmt: skip
        assert fact in shown
    assert "stream_complete" not in shown


def test_every_event_of_a_sync_is_told_in_words():
    spoken = set()
    for path in Path("syncs").rglob("*.py"):
        spoken |= set(re.findall(r"\btell\(\s*[\w.]*run, \"(\w+)\"", path.read_text()))
    verdicts = {f"stream_{each}" for each in Verdict}
    restarts = {"cursor_reset", "count_differs"}

    assert len(spoken) > 8
    assert spoken | verdicts | restarts <= set(told.EVENTS)
    row = Event(
        code="waits", at=timezone.now(),
        data={"why": "rate_limit", "until": "2026-11-22T10:00:00+00:00", "code": ""},
    )  # fmt: skip
    shown = told.event(row)
    assert [str(name) for name, _ in shown["facts"]] == ["because", "until"]
    assert "the provider's rate limit" in str(shown["facts"][0][1])


def test_a_sync_that_failed_is_asked_for_again(store, stand, admin_client):
    stand.script = lambda call, times: (404, {})
    run = sync(store)

    admin_client.post(address(run, "again"))

    again = Run.objects.get(retry_of=run)
    assert again.status == "queued"
    assert AuditEntry.objects.filter(action="sync.retry").exists()


def test_numbers_that_were_held_back_are_accepted_once(store, stand, admin_client):
    stand.pages, stand.total = 2, lambda count: 1000
    run = sync(store)
    assert not CacheEntry.objects.exists()

    admin_client.post(address(run, "accept"), {"reason": "the count is of last year"})
    rerun(Run.objects.get(retry_of=run))

    assert entry(store).record_count == 4
    audited = AuditEntry.objects.get(action="sync.accept")
    assert audited.reason == "the count is of last year"


def test_a_waiting_sync_is_made_urgent_and_cancelled(store, admin_client):
    from queues.models import Job

    run = ask(store).run

    admin_client.post(address(run, "priority"), {"priority": "1"})
    assert Job.objects.get().priority == 1
    admin_client.post(address(run, "cancel"), {"reason": ""})

    run.refresh_from_db()
    assert (run.priority, run.outcome) == (1, "cancelled")


def test_who_may_only_look_is_offered_nothing(store):
    run = sync(store)
    client = staff("vera", "view_run", "view_connection")

    shown = page(client, address(run))

    assert "Sync again" not in shown
    assert client.post(address(run, "again")).status_code == 403
    link = Connection.objects.get()
    assert client.post(address(link, "pause")).status_code == 403


def test_staff_without_the_permission_see_no_syncs():
    client = staff("nils")

    assert client.get(reverse("admin:syncs_overview")).status_code == 403


def test_a_connection_is_tested(store, stand, admin_client):
    Connection.objects.update(status="auth_error", consecutive_errors=7)

    shown = admin_client.post(address(Connection.objects.get(), "test"), follow=True)

    link = Connection.objects.get()
    assert b"It works" in shown.content
    assert (link.status, link.currency, link.consecutive_errors) == ("active", "BRL", 0)


def test_a_test_that_fails_says_why_and_shuts_it(store, stand, admin_client):
    stand.script = lambda call, times: (401, {})

    shown = admin_client.post(address(Connection.objects.get(), "test"), follow=True)

    assert b"answered 401" in shown.content
    assert Connection.objects.get().status == "auth_error"


def test_S56_a_token_is_replaced_and_never_shown(store, admin_client):
    Connection.objects.update(status="auth_error")
    link = Connection.objects.get()
    token = "shpat_" + "0f" * 16

    admin_client.post(address(link, "rotate"), {"access_token": token})
    shown = page(admin_client, address(link))
    listing = page(admin_client, reverse("admin:syncs_connection_changelist"))

    link.refresh_from_db()
    assert opened(link) == {"access_token": token}
    assert link.status == "active"
    assert token not in shown + listing
    assert "…0f0f" in listing
    audited = [str(row.after) for row in AuditEntry.objects.all()]
    assert token not in "".join(audited)


def test_a_second_token_keeps_the_count_of_the_first(store):
    link = Connection.objects.get()

    versions = [
        replace(link, {"access_token": text}).version for text in ("short", "x" * 20)
    ]

    assert versions == [1, 2]
    assert str(Credential.objects.get()) == "…xxxx"


def test_a_paused_connection_is_resumed_with_what_rested(store, stand, admin_client):
    link = Connection.objects.get()
    run = ask(store).run
    Run.objects.filter(pk=run.pk).update(
        waiting_for="paused", not_before="2999-01-01T00:00Z"
    )

    admin_client.post(address(link, "pause"), {"note": "holiday"})
    assert Connection.objects.get().status_reason == "holiday"
    admin_client.post(address(link, "resume"))

    run.refresh_from_db()
    assert run.not_before is None
    assert Connection.objects.get().status == "active"


def test_a_row_kept_aside_is_read_anew_or_dismissed(store, stand, admin_client):
    rows = [stand.row(n) for n in range(40)]
    stand.script = lambda call, times: (
        200, {"rows": [*rows, {"id": "o-x", "bad": True}], "next": None},
    )  # fmt: skip
    run = sync(store)
    row = Quarantined.objects.get()

    admin_client.post(address(row, "replay"))
    rerun(Run.objects.exclude(pk=run.pk).get())

    assert Quarantined.objects.filter(resolution="replayed").count() == 1
    left = Quarantined.objects.get(resolved_at=None)
    admin_client.post(address(left, "dismiss"), {"reason": "a test order"})
    assert not Quarantined.objects.filter(resolved_at=None).exists()


def test_a_row_whose_sync_is_forgotten_says_so(store, admin_client):
    row = Quarantined.objects.create(
        connection=Connection.objects.get(), stream="orders", reason="odd"
    )

    shown = admin_client.post(address(row, "replay"), follow=True)

    assert b"Nobody knows any more" in shown.content


def test_a_store_is_made_given_people_and_synced(stand, admin_client, admin_user):
    form = {
        "name": "Livraria Lua", "timezone": "America/Sao_Paulo", "currency": "BRL",
        "is_active": "on", "memberships-TOTAL_FORMS": "1",
        "memberships-INITIAL_FORMS": "0", "memberships-0-user": str(admin_user.pk),
    }  # fmt: skip
    admin_client.post(reverse("admin:syncs_store_add"), form)
    store = Store.objects.get()

    refused = admin_client.post(address(store, "sync"), follow=True)
    admin_client.post(
        reverse("admin:syncs_connection_add"),
        {"store": str(store.pk), "provider": "shopify", "settings": "{}"},
    )
    admin_client.post(address(store, "sync"))

    assert list(store.members.all()) == [admin_user]
    assert b"no connection yet" in refused.content
    assert Run.objects.get().store == store


def test_a_stopped_queue_says_so(store, admin_client, sql):
    from queues.allowance import declare
    from syncs.jobs import SYNC

    declare([SYNC])
    sql("UPDATE limits SET running = 0 WHERE name = 'sync'")
    ask(store)

    assert "no sync starts" in page(admin_client, reverse("admin:syncs_overview"))


def test_syncs_and_runs_of_cadences_are_both_listed_where_they_belong(admin_client):
    shown = page(admin_client, "/admin/")
    rooms = shown[shown.index('id="rooms"') :]

    lists = [rooms.index(f'"/admin/{each}/"') for each in (
        "cadences/run", "cadences/lead", "syncs/run", "syncs/store",
    )]  # fmt: skip
    assert lists == sorted(lists)


def test_a_row_kept_aside_has_its_verbs_on_its_page(store, admin_client):
    row = Quarantined.objects.create(
        connection=Connection.objects.get(), stream="orders", reason="odd",
        sample={"fields": ["id"]},
    )  # fmt: skip

    shown = page(admin_client, address(row))

    assert "Read anew" in shown
    assert "<pre" in shown


def test_an_anonymous_visitor_is_sent_to_the_door():
    assert Client().get(reverse("admin:syncs_overview")).status_code == 302
