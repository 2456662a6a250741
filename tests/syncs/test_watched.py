"""What people are told of about stores, and when they are not."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db.models import F

from queues.alerts.measures import measures
from queues.alerts.rules import install_rules
from queues.alerts.watch import watch
from queues.models import AlertMessage, AlertRule, AlertState, Attempt, Job
from syncs import budgets, clock
from syncs.budgets import Key
from syncs.klaviyo.client import TIERS
from syncs.models import Budget, Connection, Run, Spending, Store
from tests.syncs.stores import ask, connect, sync

pytestmark = [pytest.mark.django_db, pytest.mark.raw_rows]

DAY = timedelta(days=1)
MINE = (
    "sync-success-rate", "sync-run-time", "sync-held", "sync-kept-aside",
    "sync-queue-age", "sync-forecast", "sync-errors", "sync-access", "sync-freshness",
    "sync-quota", "sync-wait", "sync-version",
)  # fmt: skip


@pytest.fixture
def rules(db):
    install_rules()
    AlertRule.objects.exclude(code__in=MINE).update(enabled=False)


def readings(name, window=DAY):
    now = datetime.now(UTC)
    return {each.subject: each for each in measures()[name].read(now, window)}


def messages(code):
    rows = AlertMessage.objects.filter(rule__code=code).order_by("pk")
    return list(rows.values_list("kind", flat=True))


def look(code):
    """Look once; return what was told of a rule since the beginning."""
    assert watch().failed == ()
    return messages(code)


def ended(store, outcome, count):
    status = "completed" if outcome in {"succeeded", "partial"} else "failed"
    now = clock.now()
    Run.objects.bulk_create(
        Run(store=store, scope=f"{outcome}-{n}", status=status, outcome=outcome,
            started_at=now, completed_at=now)
        for n in range(count)
    )  # fmt: skip


@pytest.mark.parametrize(
    ("good", "bad", "fires"), [(1, 19, True), (0, 1, False), (949, 51, True),
                               (950, 50, False)],
)  # fmt: skip
def test_S47_the_success_rate_needs_twenty_syncs(rules, shop, good, bad, fires):
    store = shop()
    ended(store, "succeeded", good)
    ended(store, "failed", bad)
    ended(store, "cancelled", 30)

    told = look("sync-success-rate")

    assert told == (["fired"] if fires else [])


def test_S62_a_partial_sync_is_half_a_success(shop):
    store = shop()
    ended(store, "succeeded", 10)
    ended(store, "partial", 10)

    (found,) = readings("sync-success-rate").values()

    assert (found.value, found.sample) == (75, 20)


def test_S47_connections_that_fail_because_of_one_provider_are_one_incident(rules):
    for n in range(300):
        store = Store.objects.create(name=f"Loja {n:03}")
        Connection.objects.create(store=store, provider="klaviyo", consecutive_errors=7)

    assert look("sync-errors") == ["fired"]
    Connection.objects.update(consecutive_errors=0)
    assert look("sync-errors") == ["fired", "recovered"]
    assert look("sync-errors") == ["fired", "recovered"]


def test_S48_five_errors_in_a_row_are_nothing_and_six_are_told_once(rules, shop):
    link = shop().connections.get()

    def err(count):
        Connection.objects.filter(pk=link.pk).update(consecutive_errors=count)
        return look("sync-errors")

    assert err(5) == []
    assert err(6) == ["fired"]
    assert err(7) == ["fired"]
    assert err(0) == ["fired", "recovered"]


def test_S48_waits_and_cancellations_are_no_errors(shop, stand):
    from syncs.request import cancel

    stand.script = lambda call, times: (429, {"headers": {"Retry-After": "600"}})
    store = shop()
    for _ in range(7):
        sync(store, forced=True)
    for run in Run.objects.all():
        cancel(run)

    assert readings("sync-errors") == {}


def test_an_error_of_a_connection_counts_until_it_works(shop, stand):
    stand.script = lambda call, times: (404, {})
    store = shop()
    sync(store)
    erring = readings("sync-errors")
    stand.script = None
    sync(store, forced=True)

    (found,) = erring.values()
    assert found.value == 1
    assert store.name in found.label
    assert readings("sync-errors") == {}


def active(run, *spans):
    """Write tries of the job of a run: minutes before now, from and to."""
    now = clock.now()
    job = Job.objects.get(unique_key=run.dedupe_key)
    begun = min(now - timedelta(minutes=start) for start, _end in spans)
    Run.objects.filter(pk=run.pk).update(
        job_id=job.pk, started_at=begun, status="queued", waiting_for="slice"
    )
    for number, (start, end) in enumerate(spans, start=1):
        Attempt.objects.create(
            job=job, number=number, started_at=now - timedelta(minutes=start),
            finished_at=now - timedelta(minutes=end), outcome="snoozed",
        )  # fmt: skip


def test_S49_a_sync_that_works_for_more_than_ten_minutes_is_told(rules, shop):
    active(ask(shop()).run, (10.1, 0))

    assert look("sync-run-time") == ["fired"]


def test_S49_waits_are_no_work(rules, shop):
    active(ask(shop()).run, (25, 22.5), (2.5, 0))

    assert look("sync-run-time") == []
    (found,) = readings("sync-run-time").values()
    assert 299 < found.value < 302


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"status": "paused"}, "paused"),
        ({"status": "auth_error"}, "access refused"),
        ({"consecutive_errors": 2}, "the last sync failed"),
        ({"breaker_until": datetime(2999, 1, 1, tzinfo=UTC)}, "rests after errors"),
        ({}, "nobody asked"),
    ],
)
def test_S49_numbers_older_than_promised_are_told_with_the_reason(
    rules, shop, changes, word
):
    link = shop().connections.get()

    def stale(**age):
        Connection.objects.filter(pk=link.pk).update(
            freshness_minutes=360, last_success_at=clock.now() - timedelta(**age), **changes
        )  # fmt: skip
        look("sync-freshness")
        rows = AlertState.objects.filter(rule__code="sync-freshness", is_firing=True)
        return [(each.level, word in each.label) for each in rows]

    assert stale(hours=5, minutes=59) == []
    assert stale(hours=6, minutes=1) == [("warning", True)]
    assert stale(hours=12, minutes=1) == [("critical", True)]
    assert stale(minutes=1) == []
    assert messages("sync-freshness") == ["fired", "fired", "recovered"]


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({}, "it waits in the queue"),
        ({"waiting_for": "quota"}, "daily quota"),
        ({"status": "processing"}, "under way"),
    ],
)
def test_S49_a_sync_that_does_not_get_on_is_the_reason(shop, changes, word):
    store = shop()
    store.connections.update(
        freshness_minutes=60, last_success_at=clock.now() - timedelta(hours=3)
    )
    run = ask(store).run
    Run.objects.filter(pk=run.pk).update(
        started_at=clock.now() if changes else None, **changes
    )

    (found,) = readings("sync-freshness").values()

    assert found.value == pytest.approx(300, abs=1)
    assert word in found.label
    assert (found.group, found.path) == (
        "market", f"/admin/syncs/connection/{found.subject}/change/"
    )  # fmt: skip


def test_a_store_that_is_closed_and_one_without_an_objective_are_left_out(shop):
    shop("Uma")
    closed = shop("Duas")
    closed.connections.update(freshness_minutes=1, last_success_at=clock.now() - DAY)
    Store.objects.filter(pk=closed.pk).update(is_active=False)

    assert readings("sync-freshness") == {}


def test_S19_a_refused_token_is_told_at_once_and_its_end_too(rules, shop, stand):
    stand.script = lambda call, times: (401, {})
    store = shop()
    sync(store)

    assert look("sync-access") == ["fired"]
    state = AlertState.objects.get(rule__code="sync-access")
    assert (state.level, "access refused" in state.label) == ("critical", True)
    store.connections.update(status="active")
    assert look("sync-access") == ["fired", "recovered"]


def test_S16_a_spent_quota_is_told_once_and_only_by_day(
    monkeypatch, rules, shop, stand
):
    from syncs import watched

    monkeypatch.setattr(watched, "EVENING", 24)
    key = Key("klaviyo", "AbC123", "flow-values-reports")
    budgets.settle(budgets.reserve(key, TIERS[key.group]))
    assert look("sync-quota") == []
    budget = Spending.objects.get().budget
    Spending.objects.bulk_create(
        Spending(budget=budget, counts_at=clock.now(), is_open=False)
        for _ in range(190)
    )

    assert look("sync-quota") == ["fired"]
    assert look("sync-quota") == ["fired"]
    monkeypatch.setattr(watched, "EVENING", 0)
    assert readings("sync-quota") == {}


def test_an_account_that_is_blocked_for_hours_has_nothing_left(monkeypatch):
    from syncs import watched

    monkeypatch.setattr(watched, "EVENING", 24)
    budgets.block(Key("klaviyo", "AbC123", "flows"), 73_473)
    budgets.block(Key("klaviyo", "AbC123", "campaigns"), 60)

    left = {name: each.value for name, each in readings("sync-quota").items()}

    assert left == {"AbC123 flows": 0, "AbC123 campaigns": 100}


def test_S15_an_absurd_wait_is_told_until_it_is_over(rules):
    absurd = budgets.block(Key("klaviyo", "AbC123", "flows"), 999_999)
    budgets.block(Key("klaviyo", "AbC123", "flows"), 60)  # a shorter one hides nothing

    assert look("sync-wait") == ["fired"]
    assert look("sync-wait") == ["fired"]
    message = AlertMessage.objects.get(rule__code="sync-wait")
    assert "999,999 s" in message.body
    wait = absurd.until - clock.now()
    assert timedelta(hours=35.9) < wait <= timedelta(hours=36)
    Budget.objects.update(blocked_until=clock.now())
    assert look("sync-wait") == ["fired", "recovered"]


def test_S16_a_wait_until_tomorrow_is_a_quota_and_not_absurd(rules):
    budgets.block(Key("klaviyo", "AbC123", "flows"), 73_473)
    budgets.block(Key("shopify", "mugs.myshopify.com", "points"), None)

    assert look("sync-wait") == []


def test_numbers_that_are_held_back_are_told_until_a_sync_goes_well(rules, shop, stand):
    stand.pages, stand.total = 2, lambda count: 1000
    store = shop()
    sync(store)
    assert look("sync-held") == ["fired"]
    stand.total = lambda count: count

    sync(store, forced=True)

    assert look("sync-held") == ["fired", "recovered"]


def test_rows_kept_aside_are_a_share_of_all(shop, stand):
    rows = [stand.row(n) for n in range(38)]
    bad = [{"id": f"o-x{n}", "bad": True} for n in range(2)]
    stand.script = lambda call, times: (200, {"rows": [*rows, *bad], "next": None})

    sync(shop())

    (found,) = readings("sync-kept-aside").values()
    assert (found.value, found.sample) == (5, 40)


def test_a_queue_that_does_not_move_is_told(rules, shop):
    run = ask(shop()).run
    assert look("sync-queue-age") == []

    Run.objects.filter(pk=run.pk).update(
        queued_at=F("queued_at") - timedelta(minutes=16)
    )

    assert look("sync-queue-age") == ["fired"]


def test_the_forecast_is_told_when_it_is_over_an_hour(shop, stand):
    assert readings("sync-forecast")[""].value == 0

    for n in range(4):
        ask(shop(f"Loja {n}"))

    assert readings("sync-forecast")[""].value == pytest.approx(20 * 4 / 3, abs=15)


def test_a_version_that_retires_soon_is_told(rules, settings):
    settings.SHOPIFY_API_VERSION = clock.now().date().replace(
        year=clock.now().year - 1, day=1
    ).strftime("%Y-%m")  # fmt: skip

    assert look("sync-version") == ["fired"]
    assert readings("sync-version")["klaviyo"].value > 60


def test_the_metrics_tell_how_the_stores_stand(client, shop, stand):
    good, waits = shop("Boa"), shop("Espera")
    connect(good, stand, "stalls", status="paused")
    sync(good)
    ask(waits)

    text = client.get("/metrics").content.decode()

    for line in (
        'ritmo_sync_runs{status="queued"} 1.0',
        'ritmo_sync_ends_last_day{outcome="succeeded"} 1.0',
        'ritmo_sync_connections{provider="stalls",status="paused"} 1.0',
        'ritmo_sync_entries{state="fresh"} 1.0',
        "ritmo_sync_kept_aside 0.0",
        'ritmo_sync_seconds{quantile="0.95"}',
        "ritmo_sync_forecast_seconds",
    ):
        assert line in text, line
