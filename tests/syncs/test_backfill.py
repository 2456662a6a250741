"""The history of a store: newest first, behind everything else, each slice once."""

import os
import random
import signal
import time
from contextlib import suppress
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from queues.models import AuditEntry, Job
from queues.testing import inline
from syncs import backfill, tick
from syncs.errors import AlreadyOver, InvalidPeriod, Misconfigured
from syncs.errors import NothingToSync as Nothing
from syncs.models import Backfill, CacheEntry, Connection, Order, OrderCoverage, Run
from syncs.ports import Period
from syncs.request import cancel
from syncs.states import OPEN, BackfillStatus, Kind, Outcome
from tests.processes import until, worker
from tests.queues.desk import page, staff
from tests.simulators.shopify_data import invented
from tests.syncs.provider_fixtures import *  # noqa: F403
from tests.syncs.shops import NOON, NOVEMBER, klaviyo_of, shop_of
from tests.syncs.stores import ask, rerun, sync

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(3600)]

DAY = timedelta(days=1)
TWO_YEARS = Period(NOVEMBER.end - 729 * DAY, NOVEMBER.end)
QUARTER = Period(NOVEMBER.end - 89 * DAY, NOVEMBER.end)
SLICE = int(os.environ.get("SYNC_SLICE_DAYS", "31"))
KILLS = int(os.environ.get("SYNC_SLICE_KILLS", "4"))
ORDERS = int(os.environ.get("SYNC_ORDERS", "600"))
PATIENCE = 600.0


@pytest.fixture
def store(shops):
    """A store of two years whose shop is generous, synced for November."""
    shop = shops.shops["mugs.myshopify.com"]
    shop.orders = invented(ORDERS, until=NOON, days=729)
    shop.bucket.capacity = shop.bucket.level = shop.bucket.restore = 50_000
    made = shop_of().store
    assert sync(made).outcome == Outcome.SUCCEEDED
    return made


def started(store, days=QUARTER, **options):
    """Begin a history as people do: look ahead, then accept."""
    found = backfill.look_ahead(store, days, **options)
    return backfill.begin(store, days, found)


def slices():
    """Return the runs of histories in the order in which they began."""
    return Run.objects.filter(kind=Kind.BACKFILL).order_by("started_at")


def test_S54_the_preview_is_what_it_takes(store, shops):
    shops.faults.add("latency", times=100_000, value=0.03)
    found = backfill.look_ahead(store, TWO_YEARS)
    shops.ledger.clear()

    began = time.monotonic()
    with inline():
        made = backfill.begin(store, TWO_YEARS, found)
    took = time.monotonic() - began

    made.refresh_from_db()
    assert made.status == BackfillStatus.COMPLETED
    assert made.slices_done == made.slices == found.slices == slices().count()
    calls = [each for each in shops.ledger.entries if each.endpoint != "token"]
    assert found.calls == pytest.approx(len(calls), rel=0.3)
    assert found.rows == pytest.approx(Order.objects.count(), rel=0.3)
    assert sum(each.cost for each in calls) <= found.points * 1.3
    # A busy machine is slower than what it measured a moment ago; never much faster.
    assert found.seconds * 0.7 <= took <= found.seconds * 4
    assert shops.ledger.throttled() == []


class Siege:
    """Ask for what people look at all the while, and kill a worker now and then."""

    def __init__(self, store, process):
        self.store, self.process, self.kills = store, process, 0
        self.lucky = random.Random(54)

    def lay(self, made):
        """Go on until the history is read."""
        while made.status == BackfillStatus.RUNNING:
            if not Run.objects.filter(kind=Kind.REPORT, status__in=OPEN).exists():
                ask(self.store, NOVEMBER, forced=True)
            time.sleep(self.lucky.uniform(0.3, 1.0))
            if self.kills < KILLS and made.slices_done > self.kills:
                self._kill()
            made.refresh_from_db()
        until(lambda: not Run.objects.filter(status__in=OPEN).exists(), PATIENCE)

    def _kill(self):
        with suppress(ProcessLookupError, IndexError):
            os.kill(self.lucky.choice(self.process.children()), signal.SIGKILL)
            self.kills += 1


def went_before(report):
    """Count the slices that began while a report waited."""
    return slices().filter(
        started_at__gt=report.queued_at, started_at__lt=report.started_at
    ).count()  # fmt: skip


def test_S54_two_years_are_read_newest_first_while_workers_die(store, shops, settings):
    with worker(
        "-c", "2", HASTE="200", SHOPIFY_BASE_URL=settings.SHOPIFY_BASE_URL,
        SHOPIFY_FILE_HOSTS=settings.SHOPIFY_FILE_HOSTS[0],
    ) as process:  # fmt: skip
        made = started(store, TWO_YEARS, slice_days=SLICE)
        siege = Siege(store, process)
        siege.lay(made)

    assert (made.status, made.reason) == (BackfillStatus.COMPLETED, "")
    assert siege.kills == KILLS
    days = [(each.period_start, each.period_end) for each in slices()]
    assert days == sorted(set(days), reverse=True)
    assert len(days) == made.slices_done == made.slices
    assert {each.outcome for each in slices()} == {Outcome.SUCCEEDED}
    assert Order.objects.count() == ORDERS
    assert OrderCoverage.objects.get().covered_from.date() == TWO_YEARS.start
    reports = Run.objects.filter(kind=Kind.REPORT)
    assert {each.outcome for each in reports} == {Outcome.SUCCEEDED}
    assert reports.count() > KILLS
    # At most the slice that was being claimed at that moment went before.
    assert max(map(went_before, reports)) <= 1


def test_nothing_is_published_of_history_and_nothing_ages(store, sql):
    entries = CacheEntry.objects.count()
    with inline():
        started(store)
    assert CacheEntry.objects.count() == entries

    made = started(store)
    sql("UPDATE sync_queue SET queued_at = queued_at - interval '2 days',"
        " deadline_at = deadline_at - interval '2 days' WHERE status = 'queued'")  # fmt: skip
    tick.tick()

    assert slices().get(status="queued").scope == str(made.pk)
    assert Job.objects.get(status="pending").priority == 9


def test_one_history_of_a_store_at_a_time(store):
    started(store)

    with pytest.raises(AlreadyOver):
        started(store)

    assert Backfill.objects.count() == slices().count() == 1


def test_a_pause_lets_the_slice_end_and_asks_for_no_other(store):
    made = started(store)
    backfill.pause(made)

    rerun(slices().get())

    made.refresh_from_db()
    assert (made.status, made.slices_done) == (BackfillStatus.PAUSED, 1)
    assert not slices().filter(status__in=OPEN).exists()
    with inline():
        backfill.resume(made)
    made.refresh_from_db()
    assert made.status == BackfillStatus.COMPLETED
    with pytest.raises(AlreadyOver):
        backfill.cancel(made)


def test_an_error_stops_it_and_it_goes_on_where_it_was(store, shops):
    made = started(store)
    shops.faults.add("status", "Orders", times=99, value=403)
    rerun(slices().get())
    made.refresh_from_db()
    assert made.status == BackfillStatus.STOPPED
    assert (bool(made.reason), made.reason_code) == (True, "auth")

    shops.faults.clear()
    Connection.objects.update(status="active")
    with inline():
        backfill.resume(made)

    made.refresh_from_db()
    assert made.status == BackfillStatus.COMPLETED
    assert OrderCoverage.objects.get().covered_from.date() == QUARTER.start


def test_a_slice_that_a_person_cancels_stops_it(store):
    made = started(store)
    cancel(slices().get(), reason="not now")

    tick.tick()

    made.refresh_from_db()
    assert (made.status, made.reason) == (BackfillStatus.STOPPED, "not now")


def test_a_slice_that_is_gone_is_asked_for_again(store):
    made = started(store)
    slices().delete()

    tick.tick()

    assert slices().get().scope == str(made.pk)


def test_without_a_connection_that_may_be_called_it_stops(store):
    made = started(store)
    slices().delete()
    Connection.objects.update(status="paused")

    tick.tick()

    made.refresh_from_db()
    assert made.status == BackfillStatus.STOPPED
    assert "paused" in made.reason


def test_what_makes_no_sense_is_refused(store, shops, mail):
    for days in (
        (NOVEMBER.end, NOVEMBER.start),
        (NOVEMBER.end, NOVEMBER.end + 9 * DAY),
        (NOVEMBER.end - 4000 * DAY, NOVEMBER.end),
    ):
        with pytest.raises(InvalidPeriod):
            backfill.days_of(store, *days)
    with pytest.raises(Nothing):
        backfill.look_ahead(klaviyo_of().store, TWO_YEARS)


def test_S30_history_without_its_scope_is_refused_by_the_preview(store, shops):
    shops.shops["mugs.myshopify.com"].scopes = ["read_orders"]

    with pytest.raises(Misconfigured, match="read_all_orders"):
        backfill.look_ahead(store, TWO_YEARS)


def test_the_command_says_what_it_takes_and_begins(store, capsys):
    days = ("--from", str(TWO_YEARS.start), "--to", str(TWO_YEARS.end))

    call_command("sync_backfill", str(store.pk), *days, "--dry-run")
    assert "calls: " in capsys.readouterr().out
    assert not Backfill.objects.exists()
    call_command("sync_backfill", str(store.pk), *days, "--slice-days", "7")

    made = Backfill.objects.get()
    assert str(made.pk) in capsys.readouterr().out
    assert (made.slice_days, made.slices) == (7, 105)
    with pytest.raises(CommandError) as caught:
        call_command("sync_backfill", str(store.pk), *days)
    assert caught.value.returncode == 1
    with pytest.raises(CommandError) as caught:
        call_command("sync_backfill", str(made.pk), *days)
    assert caught.value.returncode == 2


def test_staff_see_what_it_takes_before_it_begins(
    store, admin_client, django_assert_max_num_queries
):
    add = reverse("admin:syncs_backfill_add")
    form = {
        "store": store.pk, "first": TWO_YEARS.start, "last": TWO_YEARS.end,
        "slice_days": "",
    }  # fmt: skip

    shown = admin_client.post(add, form).content.decode()
    assert "What it takes" in shown
    assert not Backfill.objects.exists()
    admin_client.post(add, {**form, "begin": "yes"})
    made = Backfill.objects.get()
    assert made.user is not None
    assert AuditEntry.objects.filter(action="backfill.begin").exists()
    wrong = admin_client.post(add, {**form, "last": TWO_YEARS.start - DAY})
    assert "ends before it begins" in wrong.content.decode()
    with django_assert_max_num_queries(15):
        page(admin_client, reverse("admin:syncs_backfill_changelist"))
    with django_assert_max_num_queries(15):
        page(admin_client, reverse("admin:syncs_backfill_change", args=[made.pk]))

    for verb, status in (("pause", "paused"), ("resume", "running")):
        admin_client.post(reverse(f"admin:syncs_backfill_{verb}", args=[made.pk]))
        made.refresh_from_db()
        assert made.status == status


def test_who_may_only_look_begins_nothing(store):
    client = staff("ana", "view_backfill")

    page(client, reverse("admin:syncs_backfill_changelist"))

    assert client.get(reverse("admin:syncs_backfill_add")).status_code == 403


def test_a_refused_call_is_told_on_the_page(store, shops, admin_client):
    shops.faults.add("status", "OrdersCount", value=403)
    form = {"store": store.pk, "first": TWO_YEARS.start, "last": TWO_YEARS.end}

    shown = admin_client.post(reverse("admin:syncs_backfill_add"), form)

    assert "403" in shown.content.decode()
