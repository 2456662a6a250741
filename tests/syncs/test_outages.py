"""What syncs stand on goes away for a while: nothing is lost, nothing stays held."""

import signal
import threading

import pytest

from queues.enqueue import enqueue
from queues.models import Job
from queues.states import LIVE
from syncs.models import Run
from syncs.states import OPEN, Outcome
from tests.cadences.people import cadence, company, many
from tests.cadences.providers import through_uazapi
from tests.market.models import Sale
from tests.pooler import SIZE, pooler
from tests.processes import until, worker
from tests.queues.conftest import own_postgres, own_redis
from tests.simulators.uazapi import uazapi
from tests.syncs.stores import again, ask, entry, sync

__all__ = ["own_postgres", "own_redis", "pooler"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(900)]

PATIENCE = 240.0
STORE = "11111111-1111-4111-8111-111111111111"


class Gate:
    """A page at which the provider lets a sync wait until something has happened."""

    def __init__(self, stand, cursor):
        self.reached, self.opened, self.cursor = (
            threading.Event(), threading.Event(), cursor,
        )  # fmt: skip
        stand.script = self

    def __call__(self, call, times):
        if call.cursor == self.cursor and times == 1:
            self.reached.set()
            self.opened.wait(PATIENCE)


def are_over():
    return not Run.objects.filter(status__in=OPEN).exists()


def test_S60_without_redis_syncs_end_and_new_ones_start(stand, shop, own_redis):
    stand.pages = 6
    gate = Gate(stand, "4")
    stores = [shop(), shop("Livraria Lua")]
    with worker("-c", "2", REDIS_URL=own_redis.url):
        ask(stores[0])
        assert gate.reached.wait(PATIENCE)
        own_redis.stop()
        gate.opened.set()
        ask(stores[1])
        until(lambda: Run.objects.filter(outcome="succeeded").exists(), PATIENCE)
        own_redis.start()
        until(are_over, PATIENCE)

    assert {each.outcome for each in Run.objects.all()} == {Outcome.SUCCEEDED}
    assert all(entry(each).record_count == 12 for each in stores)
    assert sorted(stand.cursors()) == sorted([*"123456"] * 2)


def test_S60_a_database_that_restarts_holds_nothing_back(stand, own_postgres):
    own_postgres.migrate()
    stand.pages = 6
    gate = Gate(stand, "4")
    own_postgres.run("INSERT INTO stores (id, name, timezone, currency)"
                     " VALUES (%s, 'Papelaria', 'UTC', 'BRL')", STORE)  # fmt: skip
    own_postgres.run(
        "INSERT INTO store_connections (store_id, provider, external_account, settings)"
        " VALUES (%s, 'market', 'a', jsonb_build_object('base', %s::text))",
        STORE, stand.base,
    )  # fmt: skip
    own_postgres.run("INSERT INTO sync_queue (store_id, period_start, period_end)"
                     " VALUES (%s, '2026-11-01', '2026-11-20')", STORE)  # fmt: skip
    ended = "SELECT outcome FROM sync_queue WHERE completed_at IS NOT NULL"
    with worker("-c", "1", DATABASE_URL=own_postgres.url):
        assert gate.reached.wait(PATIENCE)
        own_postgres.restart(signal.SIGINT)
        gate.opened.set()
        until(lambda: own_postgres.run(ended), PATIENCE)
        held = "SELECT count(*) FROM jobs WHERE status = 'processing'"
        until(lambda: own_postgres.run(held) == [(0,)], PATIENCE)

    assert own_postgres.run(ended) == [("succeeded",)]
    assert own_postgres.run("SELECT count(*) FROM market_sale") == [(12,)]
    assert stand.cursors().count("4") <= 2
    assert len(stand.cursors()) <= 7


def test_S60_a_full_disk_fails_one_run_and_others_go_on(stand, shop, sql):
    full, other = shop("Cheia"), shop("Livraria Lua")
    sql(
        "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$"
    )
    sql(
        "CREATE TRIGGER full_disk BEFORE INSERT ON market_sale FOR EACH ROW"
        f" WHEN (NEW.connection_id = '{full.connections.get().pk}')"
        " EXECUTE FUNCTION full_disk()"
    )
    try:
        run = sync(full)
        assert run.waiting_for == "retry"
        again(run)
        assert again(run).outcome == Outcome.FAILED
        assert "DiskFull" in run.error_message or "extend" in run.error_message
        assert sync(other).outcome == Outcome.SUCCEEDED
    finally:
        sql("DROP FUNCTION full_disk CASCADE")

    assert set(Sale.objects.values_list("connection_id", flat=True)) == {
        other.connections.get().pk
    }
    assert not Job.objects.filter(status="processing").exists()
    assert sync(full, forced=True).outcome == Outcome.SUCCEEDED


def test_S60_behind_a_pooler_everything_comes_to_the_same(stand, shop, pooler):
    stand.pages = 6
    stores = [shop(), shop("Livraria Lua"), shop("Padaria Mar"), shop("Feira Rio")]
    company(calendar=None)
    with uazapi() as phones:
        through_uazapi(phones)
        many(cadence(), 30)
        with worker("-c", "3"):
            runs = [ask(each).run for each in stores]
            enqueue("cadence-runner", {"trigger": "CRON"})
            enqueue("sync-worker")
            until(are_over, PATIENCE)
            until(lambda: not Job.objects.filter(status__in=LIVE).exists(), PATIENCE)
            servers = pooler.show("SERVERS")

    assert len(servers) <= SIZE
    assert all(entry(each).record_count == 12 for each in stores)
    assert {Run.objects.get(pk=each.pk).outcome for each in runs} == {"succeeded"}
    assert sorted(stand.cursors()) == sorted([*"123456"] * 4)
    assert list(phones.counts().values()) == [1] * 30
    assert not Job.objects.exclude(status="completed").exists()
