"""Many stores: asked for at once, forecast, and cleaned up after."""

from datetime import timedelta

import pytest
from django.utils import timezone

from queues.models import Job
from queues.testing import inline
from syncs import clock
from syncs.everyone import request_all
from syncs.forecast import Forecast, forecast
from syncs.models import CacheEntry, CacheVersion, Event, Quarantined, Run
from syncs.prune import prune
from tests.syncs.stores import ask, sync

pytestmark = pytest.mark.django_db

MANY = """
WITH made AS (
    INSERT INTO stores (name, timezone)
    SELECT 'Loja ' || n, CASE WHEN n % 2 = 0 THEN 'America/Sao_Paulo' ELSE 'Nowhere/Land' END
    FROM generate_series(1, {count}) AS n RETURNING id
)
INSERT INTO store_connections (store_id, provider) SELECT id, 'market' FROM made
"""


def test_S34_ten_thousand_stores_are_asked_for_within_seconds(sql):
    import time

    sql(MANY.format(count=10_000))
    began = time.monotonic()

    made = request_all(days=30, spread=2700, skip=3600)

    assert made == 10_000
    assert time.monotonic() - began < 30  # 10 s on a machine of its own
    assert Job.objects.count() == 10_000
    ((first, last),) = sql("SELECT min(run_at), max(run_at) FROM jobs")
    assert timedelta(minutes=44) < last - first <= timedelta(minutes=46)
    assert request_all(days=30, spread=2700, skip=3600) == 0
    found = forecast()
    assert found.runs == found.stores == 10_000
    assert found.needed(timedelta(hours=1)) == 56


def test_who_was_synced_just_now_is_left_out(shop, sql):
    from syncs.periods import of_word

    fresh, old = shop("Nova"), shop("Velha")
    shop("Parada", providers=())
    sync(fresh, of_word(fresh, "30d"))

    assert request_all(days=30, spread=0, skip=3600) == 1
    assert Run.objects.get(status="queued").store == old


def test_a_schedule_may_ask_for_all(shop):
    from queues.enqueue import enqueue

    shop()
    with inline() as done:
        enqueue("sync-all-stores", {"spread_minutes": 0})

    assert done.processed == 2
    assert Run.objects.get().outcome == "succeeded"


def test_the_forecast_is_the_arithmetic_of_the_report():
    now = timezone.now()

    found = Forecast(10_000, 10_000, 1, 20.0, 3, now)
    hours = found.span.total_seconds() / 3600

    assert 18.4 < hours < 18.6
    assert found.needed(timedelta(hours=1)) == 56
    assert Forecast(40, 1, 40, 300.0, 3, now).span == timedelta(seconds=12_000)
    assert Forecast(0, 0, 0, 20.0, 3, now).done_at == now


def test_the_forecast_counts_what_waits(shop):
    ask(shop("Uma"))
    ask(shop("Duas"))
    far = ask(shop("Remota")).run
    Run.objects.filter(pk=far.pk).update(not_before=clock.now() + timedelta(hours=9))

    assert forecast().runs == 2


def test_what_is_past_its_time_goes_and_the_last_good_stays(shop, sql):
    store = shop()
    first, second = sync(store), sync(store, forced=True)
    open_ = ask(store, forced=True).run
    sql("SET session_replication_role = replica")
    sql(
        "UPDATE sync_queue SET completed_at = completed_at - interval '200 days'"
        " WHERE status = 'completed'"
    )
    sql("UPDATE sync_events SET at = at - interval '31 days'")
    sql("SET session_replication_role = origin")
    Quarantined.objects.create(
        connection=store.connections.get(), stream="orders", reason="old",
        resolved_at=clock.now() - timedelta(days=31),
    )  # fmt: skip

    gone = prune()

    assert gone["runs"] == gone["quarantined"] == 1
    assert gone["events"] > 0
    assert not Event.objects.filter(run=second).exists()
    assert set(Run.objects.all()) == {second, open_}
    assert first.pk not in set(Run.objects.values_list("pk", flat=True))
    assert CacheEntry.objects.count() == 1
    CacheEntry.objects.update(
        fresh_until=clock.now() - timedelta(days=100),
        hard_until=clock.now() - timedelta(days=100),
    )
    assert prune()["entries"] == 1


def test_three_earlier_versions_are_kept(shop):
    store = shop()
    for _ in range(6):
        sync(store, forced=True)

    assert sorted(CacheVersion.objects.values_list("version", flat=True)) == [3, 4, 5]


def test_the_cleaning_is_a_job(db):
    from queues.enqueue import enqueue

    with inline():
        job = enqueue("sync-prune", {})
    job.refresh_from_db()

    assert {"events", "runs", "quarantined", "entries"} <= job.result.keys()
    assert set(job.result.values()) == {0}
